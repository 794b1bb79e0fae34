"""
Celery: wake-ups only. What has to be done stands in Postgres rows; a task claims what is due and does it.

Figures from measurements with Celery 5.7 on Valkey: a message of a killed worker comes back only after the visibility
timeout, so it lies above the hard time limit, and nothing relies on redelivery: a sweeper finds what is left.
"""

import os

from celery import Celery
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "oktadetect.settings")

app = Celery("oktadetect")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_soft_time_limit=90,
    task_time_limit=120,
    task_publish_retry=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "visibility_timeout": 600,
        "socket_connect_timeout": 2,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
    },
    worker_hijack_root_logger=False,
    beat_schedule={
        "sweep": {"task": "alerts.sweep", "schedule": 15.0, "options": {"expires": 15}},
        "watch-monitors": {"task": "alerts.watch_monitors", "schedule": 30.0, "options": {"expires": 30}},
        "catch-up": {"task": "alerts.catch_up", "schedule": 60.0, "options": {"expires": 60}},
        # By the clock, not by intervals: a beat whose file is lost with each restart would start those anew, and never get there.
        "look-for-late-events": {
            "task": "alerts.look_for_late_events",
            "schedule": crontab(minute="17"),
            "options": {"expires": 3600},
        },
        "look-for-late-events-of-a-week": {
            "task": "alerts.look_for_late_events",
            "schedule": crontab(hour="2", minute="37"),
            "kwargs": {"hours": 168},
            "options": {"expires": 86400},
        },
        "hear-runbooks": {"task": "alerts.hear_runbooks", "schedule": 120.0, "options": {"expires": 120}},
        "read-baseline": {"task": "alerts.read_baseline", "schedule": 900.0, "options": {"expires": 900}},
        "rehearse-monitors": {
            "task": "alerts.rehearse_monitors",
            "schedule": crontab(minute="47"),
            "options": {"expires": 3600},
        },
        "refresh-figures": {"task": "alerts.refresh_figures", "schedule": 120.0, "options": {"expires": 120}},
        "poll-jira": {"task": "alerts.poll_jira", "schedule": 60.0, "options": {"expires": 60}},
        "sweep-jira": {
            "task": "alerts.sweep_jira",
            "schedule": crontab(minute="37"),
            "options": {"expires": 3600},
        },
        "expire-exclusions": {"task": "monitors.expire_exclusions", "schedule": 60.0, "options": {"expires": 60}},
        "read-event-types": {
            "task": "monitors.read_event_types",
            "schedule": crontab(minute="27"),
            "options": {"expires": 3600},
        },
        "seal-activity": {"task": "core.seal_activity", "schedule": 60.0, "options": {"expires": 60}},
        "make-partitions": {
            "task": "alerts.make_partitions",
            "schedule": crontab(hour="1", minute="7"),
            "options": {"expires": 86400},
        },
    },
)
app.autodiscover_tasks()
