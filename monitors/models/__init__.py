"""What this team has set up, what was rendered of it, and what OpenSearch was last seen to hold."""

from monitors.models.detection import ImportedDetection, IndexProfile, every_detection, find_detection
from monitors.models.exclusion import Exclusion, NamedList
from monitors.models.monitor import SEVERITY_CHOICES, Deployment, Monitor, MonitorRevision
from monitors.models.play import Backtest, BulkPush, Survey, SurveyFinding, SurveyRow

__all__ = [
    "SEVERITY_CHOICES",
    "Backtest",
    "BulkPush",
    "Deployment",
    "Exclusion",
    "ImportedDetection",
    "IndexProfile",
    "Monitor",
    "MonitorRevision",
    "NamedList",
    "Survey",
    "SurveyFinding",
    "SurveyRow",
    "every_detection",
    "find_detection",
]
