"""Reports as PDF: the page frame, fonts, tables and charts that every report shares.

A report is a template that extends `reports/frame.html`, a function that gathers its context in a module of its own
beside this (`promotions`), and one call:

    pdf.render("reports/scorecard.html", context, title="Scorecard of …", attachments={"scorecard.json": document})

The frame has the blocks `kind`, `subtitle`, `facts` (the summary under the title) and `content`, and shows `title`,
`identity` (what the document is of, in the foot of each page) and `printed_at` of the context. `static/css/report.css`
has the classes: `report-verdict`, `report-table` (its head repeats on each page; `report-table__number` for numbers),
`report-facts` for a list of terms, `report-block` for one thing of many, `report-figure` around a chart, `report-note`,
`report-code` for digests; `reports/_badge.html` shows a mark. Charts are those of the pages: `portal.charts`, with
`svg.for_print`. Data for machines goes along as attachments: the file is PDF/A-3a, tagged for screen readers.
"""
