from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('validation', '0002_runs_and_choices'),
    ]

    operations = [
        migrations.RemoveConstraint(model_name='run', name='one_open_run_per_tenant'),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.UniqueConstraint(
                condition=models.Q(('state__in', ('planning', 'running', 'waiting', 'stopped', 'paused'))),
                fields=('tenant', 'entra_tenant_id'),
                name='one_open_run_per_directory',
            ),
        ),
    ]
