"""The model withstands attacks."""

from policies.checks import testresults
from policies.checks.base import Check, Facts, Finding
from policies.checks.testresults import TestResultsParameters


class Security(Check):
    """Every test of security that the policy names has passed on this version.

    Read are results of the category `security` in the facet `assay_testResults` of the version or of a run that read or
    wrote it, and tests of the type `security` in the standard facet `test` of such a run. Of the same test the newest
    result counts. Such tests are, for example, scans of the model file and of its dependencies, membership inference,
    model extraction, and prompt injection.
    """

    id = "security"
    title = "The model withstands attacks"
    remedy = (
        "Run the security tests on this version, report them in the facet assay_testResults with the category "
        "security, and repair what failed. Then ask again."
    )
    needs = ("now", "tests")
    parameters = TestResultsParameters

    def judge(self, parameters: TestResultsParameters, facts: Facts) -> Finding:
        return testresults.judge("security", parameters, facts)
