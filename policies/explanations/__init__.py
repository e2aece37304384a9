"""What moved a model's answers: attributions (SHAP values), sent by a pipeline or computed from the model's file."""
