from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ingestion', '0003_cookie_counts'),
    ]

    operations = [
        migrations.AlterField(
            model_name='import',
            name='state',
            field=models.CharField(choices=[('review', 'Waits for you'), ('queued', 'Queued'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed'), ('undoing', 'Being undone'), ('undone', 'Undone'), ('expired', 'Expired')], default='queued', max_length=16),
        ),
    ]
