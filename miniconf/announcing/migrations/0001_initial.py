"""Which announcements are mailed to whom, and what became of each mail."""

from __future__ import annotations

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies: ClassVar = [
        ('papers', '0007_announcements_for_some'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name='AnnouncementMail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('waiting', 'not sent yet'), ('sending', 'being sent'), ('sent', 'Sent'), ('failed', 'refused by the mail server'), ('unsure', 'sent or not: it was cut off'), ('left out', 'not wanted any more')], default='waiting', max_length=10)),
                ('due', models.BooleanField(default=True, help_text='It is to go out')),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('tried_at', models.DateTimeField(blank=True, null=True)),
                ('error', models.CharField(blank=True, max_length=300)),
                ('announcement', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='mails', to='papers.announcement')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['pk'],
                'indexes': [models.Index(condition=models.Q(('due', True)), fields=['id'], name='announcement_mails_due'), models.Index(fields=['announcement', 'state'], name='announcement_mails_by_state')],
                'constraints': [models.UniqueConstraint(fields=('announcement', 'user'), name='announced_once_by_mail')],
            },
        ),
    ]
