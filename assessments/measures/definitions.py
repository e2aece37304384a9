"""What counts, for each criterion and test: one SQL expression over its population, from which the query is made."""

from collections.abc import Mapping

from assessments.measures import rubric
from assessments.measures.expressions import Measure, TestMeasure
from assessments.measures.google import GOOGLE
from assessments.measures.microsoft import MICROSOFT

MEASURES: Mapping[str, Measure] = {**GOOGLE, **MICROSOFT}

# Measures printed beside an answer: those that can speak against it today.
CORROBORATIONS: Mapping[str, Measure] = {
    "google-shared-operation": Measure(
        population="promotions",
        joins="LEFT JOIN m_written w ON w.version = p.version",
        state="CASE WHEN w.run IS NULL THEN 'true' ELSE 'false' END",
    ),
}

TESTS: Mapping[str, TestMeasure] = rubric.TESTS
