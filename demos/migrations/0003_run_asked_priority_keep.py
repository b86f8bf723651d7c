from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("demos", "0002_stored_results_and_options")]

    operations = [
        migrations.AddField(
            model_name="run",
            name="asked",
            field=models.PositiveIntegerField(
                db_default=0, default=0, help_text="How much work was asked for, in tokens"
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="keep",
            field=models.BooleanField(db_default=True, default=True, help_text="Goes on when nobody watches it"),
        ),
        migrations.AddField(
            model_name="run",
            name="priority",
            field=models.BooleanField(
                db_default=False, default=False, help_text="An author's, during the paper's session: before others"
            ),
        ),
    ]
