"""The Django project: settings, urls, Celery, and the health pages."""

from oktadetect.celery import app as celery_app

__all__ = ["celery_app"]
