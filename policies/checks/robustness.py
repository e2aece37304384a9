"""The model withstands disturbed input."""

from policies.checks import testresults
from policies.checks.base import Check, Facts, Finding
from policies.checks.testresults import TestResultsParameters


class Robustness(Check):
    """Every test of robustness that the policy names has passed on this version.

    Read are results of the category `robustness` in the facet `assay_testResults` of the version or of a run that read
    or wrote it, and tests of the type `robustness` in the standard facet `test` of such a run. Of the same test the
    newest result counts. Such tests are, for example, noise, missing values, outliers, adversarial examples and inputs
    that should not matter.
    """

    id = "robustness"
    title = "The model withstands disturbed input"
    remedy = (
        "Run the robustness tests on this version, report them in the facet assay_testResults with the category "
        "robustness, and repair what failed. Then ask again."
    )
    needs = ("now", "tests")
    parameters = TestResultsParameters

    def judge(self, parameters: TestResultsParameters, facts: Facts) -> Finding:
        return testresults.judge("robustness", parameters, facts)
