"""The `assay` command: asks an Assay server whether a model version may go live."""
