"""The links that other cases' tickets make to a case, by the case: an index small enough to be made at once."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("alerts", "0016_search_by_words")]

    operations = [
        migrations.AddIndex(
            model_name="ticketoperation",
            index=models.Index(
                models.F("payload__other_case"), condition=models.Q(("kind", "link")), name="links_to_case"
            ),
        ),
    ]
