"""What something that was found turned out to be, in the words that triage and tuning share."""

from django.db import models


class Verdict(models.TextChoices):
    """What an alert, or a finding of a survey, turned out to be."""

    TRUE_POSITIVE = "true_positive", "True positive"
    BENIGN = "benign", "Benign true positive"
    FALSE_POSITIVE = "false_positive", "False positive"
    UNDETERMINED = "undetermined", "Undetermined"
