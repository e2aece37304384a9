"""Which of our systems reads which of the sample payloads, by the payload's path. One line a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The system that reads a payload.

    `type`: the type of message when the file does not tell it itself (its header is not in the file, or it was
    polled). `options`: of the connection. `no_facts`: why a handled payload brings no fact; empty when it does.
    `refused`: the words with which it is refused, if it is. `whole`: the document of which the file holds only what
    stands at `part`.
    """

    system: str
    type: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    no_facts: str = ""
    refused: str = ""
    whole: Mapping[str, Any] = field(default_factory=dict)
    part: tuple[str, ...] = ()


# A query tells values, and the connection's rule what they are of.
KPI_RULE: Mapping[str, Any] = {
    "rules": [{"kpi": "drift", "query": "model_drift_score", "model": "credit-risk", "version": "7"}]
}


# What no system reads, each with the reason.
EXEMPT: Mapping[str, str] = {
    "README.md": "says where the payloads come from",
    "signature_vectors.json": "holds signatures; test_known_signatures_verify.py checks them",
    "github/oidc_token_claims.json": "claims of a token, not a delivery; test_known_signatures_verify.py signs them",
    "gitlab/id_token_claims.json": "claims of a token, not a delivery; test_known_signatures_verify.py signs them",
}

# OpenLineage events that the event log takes as they are: one, a list of them, or the record of a request.
OPENLINEAGE: tuple[str, ...] = (
    "feast/openlineage_apply.events.json",
    "feast/openlineage_materialize.events.json",
    "openlineage/simple_run_event_bad_run_id.json",
    "openlineage/spec_example_full_event.json",
    "openlineage_airflow/dags_test_failed_dag.events.json",
    "openlineage_airflow/http_record_task_start.json",
    "openlineage_airflow/scheduled_dag_ok.events.json",
    "openlineage_dbt/build_failed_test_and_skips.events.json",
    "openlineage_dbt/build_ok.events.json",
    "openlineage_dbt/http_record_start.json",
    "openlineage_dbt/run_structured_logs.events.json",
    "openlineage_spark/hive_ctas_01.json",
    "openlineage_spark/hive_ctas_11.json",
    "openlineage_spark/hive_ctas_12.json",
    "openlineage_spark/hive_ctas_14.json",
    "openlineage_spark/hive_ctas_16.json",
)

CLAIMS: Mapping[str, Claim] = {
    # CircleCI
    "circleci/job_completed_github.json": Claim(system="circleci"),
    "circleci/workflow_completed_github.json": Claim(system="circleci"),
    "circleci/workflow_completed_gitlab.json": Claim(system="circleci"),
    # GitHub: what a file holds is the body; the event stands in a header.
    "github/check_run_completed.json": Claim(system="github", type="check_run"),
    "github/deployment_created.json": Claim(system="github", type="deployment"),
    "github/deployment_protection_rule_requested.json": Claim(system="github", type="deployment_protection_rule"),
    "github/deployment_status_created.json": Claim(system="github", type="deployment_status"),
    "github/ping.json": Claim(system="github", type="ping"),
    "github/push.json": Claim(system="github", type="push.other"),
    "github/workflow_job_completed_success.json": Claim(system="github", type="workflow_job"),
    "github/workflow_run_completed.json": Claim(system="github", type="workflow_run"),
    # GitLab
    "gitlab/deployment_event.json": Claim(system="gitlab"),
    "gitlab/job_event.json": Claim(system="gitlab"),
    "gitlab/pipeline_event.json": Claim(system="gitlab"),
    "gitlab/push_event.json": Claim(system="gitlab"),
    "gitlab/release_event.json": Claim(system="gitlab"),
    # Bitbucket: what a file holds is the body; the event stands in a header.
    "bitbucket/pullrequest_fulfilled.json": Claim(system="bitbucket", type="pullrequest:fulfilled"),
    "bitbucket/repo_commit_status_updated.json": Claim(system="bitbucket", type="repo:commit_status_updated"),
    "bitbucket/repo_push.json": Claim(
        system="bitbucket", type="repo:push", options={"default_branches": ["name-of-branch"]}
    ),
    # Jenkins
    "jenkins/notification_completed_with_scm.json": Claim(system="jenkins"),
    "jenkins/notification_finalized_old_artifacts.json": Claim(system="jenkins"),
    # Azure DevOps
    "azure_devops/build_complete.json": Claim(system="azure_devops"),
    "azure_devops/pipelines_approval_completed.json": Claim(system="azure_devops"),
    "azure_devops/pipelines_stage_state_changed.json": Claim(system="azure_devops"),
    # MLflow: what was asked for has no type of its own.
    "mlflow/rest_logged_models_get.json": Claim(system="mlflow", type="logged_models"),
    "mlflow/rest_metric_history.json": Claim(system="mlflow", type="metric_history"),
    "mlflow/rest_model_versions_get.json": Claim(system="mlflow", type="model_versions"),
    "mlflow/rest_model_versions_search.json": Claim(system="mlflow", type="model_versions"),
    "mlflow/rest_registered_models_search.json": Claim(system="mlflow", type="registered_models"),
    "mlflow/rest_runs_get.json": Claim(system="mlflow", type="runs"),
    "mlflow/rest_runs_search.json": Claim(system="mlflow", type="runs"),
    "mlflow/rest_webhooks_list.json": Claim(system="mlflow", type="webhooks"),
    "mlflow/webhook_model_version_alias_created.json": Claim(system="mlflow"),
    "mlflow/webhook_model_version_alias_deleted.json": Claim(system="mlflow"),
    "mlflow/webhook_model_version_created.json": Claim(system="mlflow"),
    "mlflow/webhook_model_version_tag_deleted.json": Claim(system="mlflow"),
    "mlflow/webhook_model_version_tag_set.json": Claim(system="mlflow"),
    "mlflow/webhook_registered_model_created.json": Claim(system="mlflow"),
    "mlflow/webhook_retry_attempt1_prompt_created.json": Claim(system="mlflow"),
    "mlflow/webhook_retry_attempt4_same_delivery_id.json": Claim(system="mlflow"),
    "mlflow/webhook_test_ping_budget_policy_exceeded.json": Claim(system="mlflow"),
    # Argo Workflows
    "argo_workflows/workflow_running_dag_s3_artifacts.yaml": Claim(system="argo_workflows"),
    "argo_workflows/workflow_succeeded.json": Claim(system="argo_workflows"),
    # Katib
    "katib/experiment_running.json": Claim(system="katib"),
    "katib/experiment_succeeded.json": Claim(system="katib"),
    # KServe
    "kserve/inferenceservice_canary20.json": Claim(system="kserve"),
    "kserve/logger_cloudevent_request.json": Claim(system="kserve"),
    "kserve/logger_cloudevent_response.json": Claim(system="kserve"),
    "kserve/predictor_component_status_canary10.json": Claim(
        system="kserve",
        whole={"kind": "InferenceService", "metadata": {"name": "my-model"}},
        part=("status", "components", "predictor"),
    ),
    # Azure Machine Learning
    "azure_ml/cloudevent_dataset_drift_detected.json": Claim(system="azure_ml"),
    "azure_ml/cloudevent_model_deployed.json": Claim(system="azure_ml"),
    "azure_ml/cloudevent_model_registered.json": Claim(system="azure_ml"),
    "azure_ml/cloudevent_run_status_changed.json": Claim(system="azure_ml"),
    "azure_ml/eventgrid_batch_model_registered.json": Claim(system="azure_ml"),
    "azure_ml/eventgrid_batch_run_completed.json": Claim(system="azure_ml"),
    # Vertex AI
    "vertex_ai/audit_log_entry_bigquery.json": Claim(system="vertex_ai"),
    "vertex_ai/model_monitoring_anomaly_log_entry.json": Claim(system="vertex_ai"),
    "vertex_ai/pubsub_push_envelope.json": Claim(system="vertex_ai"),
    # DataRobot
    "datarobot/autopilot_complete.json": Claim(system="datarobot"),
    "datarobot/project_deleted.json": Claim(system="datarobot"),
    # Fiddler
    "fiddler/alert_records_page.json": Claim(system="fiddler"),
    # SageMaker
    "sagemaker/clarify_attribution_drift_violations.json": Claim(system="sagemaker"),
    "sagemaker/clarify_bias_drift_violations.json": Claim(system="sagemaker"),
    "sagemaker/describe_model_package_moto.json": Claim(system="sagemaker"),
    "sagemaker/eventbridge_endpoint_state_change.json": Claim(system="sagemaker"),
    "sagemaker/eventbridge_feature_group_state_change.json": Claim(system="sagemaker"),
    "sagemaker/eventbridge_model_card_state_change.json": Claim(system="sagemaker"),
    "sagemaker/eventbridge_model_package_state_change.json": Claim(system="sagemaker"),
    "sagemaker/eventbridge_pipeline_execution_status_change.json": Claim(system="sagemaker"),
    "sagemaker/eventbridge_pipeline_step_status_change.json": Claim(system="sagemaker"),
    "sagemaker/eventbridge_training_job_state_change.json": Claim(system="sagemaker"),
    "sagemaker/sqs_message_with_eventbridge_body_moto.json": Claim(system="sagemaker"),
    # Seldon Core
    "seldon/alibi_detect_drift_body.json": Claim(system="seldon", type="io.seldon.serving.inference.drift"),
    "seldon/v1_payload_log_request.json": Claim(system="seldon"),
    "seldon/v1_payload_log_response.json": Claim(system="seldon"),
    "seldon/v2_model_status.json": Claim(
        system="seldon", whole={"kind": "Model", "metadata": {"name": "iris"}}, part=("status",)
    ),
    # Tekton
    "tekton/taskrun_cloudevent_unknown.json": Claim(system="tekton"),
    "tekton/taskrun_status_artifacts_provenance.json": Claim(
        system="tekton", whole={"kind": "TaskRun", "metadata": {"name": "consume"}}, part=("status",)
    ),
    # Alertmanager
    "alertmanager/api_v2_alerts.json": Claim(system="alertmanager", type="api_v2_alerts"),
    "alertmanager/webhook_v4_firing_two_alerts.json": Claim(system="alertmanager"),
    "alertmanager/webhook_v4_resolved_two_alerts.json": Claim(system="alertmanager"),
    # Grafana
    "grafana/webhook_v1_firing.json": Claim(system="grafana", options={"model": "loans", "version": "7"}),
    # Prometheus
    "prometheus/alerts.json": Claim(system="prometheus", type="alerts"),
    "prometheus/rules.json": Claim(system="prometheus", type="rules"),
    "prometheus/query_error.json": Claim(
        system="prometheus", type="query", options=KPI_RULE, refused="Prometheus answers bad_data."
    ),
    "prometheus/query_instant_empty.json": Claim(
        system="prometheus", type="query", options=KPI_RULE, no_facts="nothing found is no value"
    ),
    "prometheus/query_instant_nan.json": Claim(system="prometheus", type="query", options=KPI_RULE),
    "prometheus/query_instant_ratio_nan.json": Claim(system="prometheus", type="query", options=KPI_RULE),
    "prometheus/query_instant_vector.json": Claim(system="prometheus", type="query", options=KPI_RULE),
    "prometheus/query_range_matrix.json": Claim(system="prometheus", type="query", options=KPI_RULE),
    "prometheus/query_scalar.json": Claim(system="prometheus", type="query", options=KPI_RULE),
    # Kubeflow Pipelines and ML Metadata
    "kubeflow_pipelines/api_v2beta1_run_completed.json": Claim(system="kubeflow_pipelines"),
    "kubeflow_pipelines/api_v2beta1_run_with_tasks_proposal.json": Claim(system="kubeflow_pipelines"),
    "kubeflow_pipelines/executor_output_prepare.json": Claim(system="kubeflow_pipelines"),
    "kubeflow_pipelines/executor_output_train.json": Claim(system="kubeflow_pipelines"),
    "kubeflow_pipelines/future_api_artifact.json": Claim(system="kubeflow_pipelines", type="artifact"),
    "kubeflow_pipelines/future_api_artifact_task.json": Claim(system="kubeflow_pipelines", type="artifact_task"),
    "kubeflow_pipelines/pipeline_ir.yaml": Claim(system="kubeflow_pipelines"),
    "mlmd/store_dump.json": Claim(system="mlmd", type="store"),
    # Data: dbt's artifacts, DVC, Great Expectations, Evidently, Feast and Pachyderm
    "dbt/manifest_without_macros.json": Claim(system="dbt_artifacts"),
    "dbt/run_results.json": Claim(system="dbt_artifacts"),
    "dvc/data_status.json": Claim(system="dvc", type="data_status"),
    "dvc/dvc.lock.yaml": Claim(system="dvc"),
    "dvc/dvc.yaml": Claim(system="dvc"),
    "dvc/exp_show.json": Claim(system="dvc"),
    "dvc/iris.csv.dvc.yaml": Claim(system="dvc"),
    "dvc/metrics_show.json": Claim(system="dvc", type="metrics_show"),
    "dvc/params.yaml": Claim(system="dvc", type="params"),
    "evidently/legacy_report.json": Claim(system="evidently", options={"model": "credit-risk", "version": "7"}),
    "evidently/legacy_test_suite.json": Claim(system="evidently", options={"model": "credit-risk", "version": "7"}),
    "evidently/report_drift_only.json": Claim(system="evidently", options={"model": "credit-risk", "version": "7"}),
    "evidently/report_with_tests.json": Claim(system="evidently", options={"model": "credit-risk", "version": "7"}),
    "feast/registry_dump.json": Claim(system="feast", type="registry"),
    "great_expectations/checkpoint_describe.json": Claim(system="great_expectations"),
    "great_expectations/checkpoint_run_results.json": Claim(system="great_expectations"),
    "great_expectations/validation_result_failed.json": Claim(system="great_expectations"),
    "great_expectations/validation_result_ok.json": Claim(system="great_expectations"),
    "pachyderm/commit_info_auto.json": Claim(system="pachyderm"),
    "pachyderm/job_info_success.json": Claim(system="pachyderm"),
    # Responsible AI: layouts of our own around what the libraries compute
    "responsible_ai/fairlearn_by_group_split.json": Claim(
        system="fairlearn", options={"model": "credit-risk", "version": "7"}
    ),
    "responsible_ai/fairlearn_metricframe_dump.json": Claim(
        system="fairlearn", options={"model": "credit-risk", "version": "7"}
    ),
    "responsible_ai/lime_explanation_dump.json": Claim(system="lime", options={"model": "credit-risk", "version": "7"}),
    "responsible_ai/shap_explanation_dump.json": Claim(
        system="shap_values", options={"model": "credit-risk", "version": "7"}
    ),
}
