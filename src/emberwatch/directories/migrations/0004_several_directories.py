import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('directories', '0003_app_keys_and_calls'),
        ('tenants', '0002_watchlist'),
    ]

    operations = [
        migrations.AlterField(
            model_name='directoryconnection',
            name='tenant',
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name='directory_connections',
                to='tenants.tenant',
            ),
        ),
        migrations.AddConstraint(
            model_name='directoryconnection',
            constraint=models.UniqueConstraint(
                fields=('tenant', 'entra_tenant_id'), name='directory_once_per_tenant'
            ),
        ),
    ]
