"""Every address of the site."""

from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import include, path

from alerts.jira_webhook import JiraEvents
from alerts.webhook import OktaDetections
from oktadetect import health

handler500 = "alerts.api.errors.server_error"

urlpatterns = [
    path("okta-detections", OktaDetections.as_view(), name="okta-detections"),
    path("jira-events/<str:secret>/", JiraEvents.as_view(), name="jira-events"),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path(
        "sign-in/",
        auth_views.LoginView.as_view(template_name="registration/sign_in.html", redirect_authenticated_user=True),
        name="login",
    ),
    path("sign-out/", auth_views.LogoutView.as_view(), name="logout"),
    path("api/", include("alerts.api.urls")),
    path("admin/", admin.site.urls),
    path("", include("monitors.urls")),
    path("", include("alerts.urls")),
]
