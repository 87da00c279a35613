"""Tables of alerts: channels, rules, what they gathered, and what was sent."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from emberwatch.alerts.policy import Cadence, Fact
from emberwatch.channels.registry import KINDS
from emberwatch.core.ids import new_id
from emberwatch.exposures.models import Credential
from emberwatch.identities.severity import Level
from emberwatch.tenants.models import Tenant


class ChannelStatus(models.TextChoices):
    UNTESTED = "untested", "Untested"
    SUCCESS = "success", "Success"
    ERROR = "error", "Error"


class AlertChannel(models.Model):
    """One place that messages of a tenant go to."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=16)
    name = models.CharField(max_length=80)
    settings = models.JSONField(default=dict)
    """As the kind's fields checked them; never a secret."""
    sealed_secrets = models.BinaryField()
    secret_names = ArrayField(models.CharField(max_length=40), default=list)
    """Which secrets are sealed there."""
    status = models.CharField(max_length=16, choices=ChannelStatus.choices, default=ChannelStatus.UNTESTED)
    status_sentence = models.CharField(max_length=500, blank=True)
    status_at = models.DateTimeField(null=True)
    is_on = models.BooleanField(default=True)
    """What a person chose."""
    disabled_at = models.DateTimeField(null=True)
    """Set by an error that does not pass by itself; a test that succeeds takes it away."""
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="alert_channel_name_unique")]

    @property
    def kind_label(self) -> str:
        return KINDS[self.kind].label if self.kind in KINDS else self.kind

    @property
    def is_usable(self) -> bool:
        return self.is_on and self.disabled_at is None


class AlertRule(models.Model):
    """What is told, through which channels, and when."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=80)
    facts = ArrayField(models.CharField(max_length=24))
    minimum_severity = models.CharField(
        max_length=10, choices=[(level.value, level.label) for level in Level], default=Level.NONE
    )
    source_kinds = ArrayField(models.CharField(max_length=16), default=list)
    channels = models.ManyToManyField(AlertChannel, related_name="rules")
    cadence = models.CharField(
        max_length=10, choices=[(each.value, each.label) for each in Cadence], default=Cadence.IMMEDIATE
    )
    digest_hour = models.PositiveSmallIntegerField(default=8)
    time_zone = models.CharField(max_length=64, default="UTC")
    is_on = models.BooleanField(default=True)
    on_since = models.DateTimeField()
    """What happened before is not told."""
    next_digest_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)
    """When its last message was made."""
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="alert_rule_name_unique")]

    @property
    def fact_labels(self) -> list[str]:
        return [fact.label for fact in Fact if fact in self.facts]


class Alert(models.Model):
    """That a rule has chosen a fact about an object: once, however often it is announced."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # The indexes below serve every read: one of its own for each key would only make a row dearer.
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="alerts", db_index=False)
    fact = models.CharField(max_length=24)
    key = models.CharField(max_length=120)
    credential = models.ForeignKey(Credential, null=True, on_delete=models.CASCADE, related_name="+")
    severity = models.CharField(max_length=10)
    rank = models.PositiveSmallIntegerField()
    """The severity's, so that the worst stand first."""
    reasons = ArrayField(models.CharField(max_length=500), default=list)
    told = models.JSONField(default=dict)
    """What is told of something that is no credential."""
    at = models.DateTimeField()
    noted_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True)
    """When it was put into messages."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rule", "fact", "key"], name="alert_unique")]
        indexes = [
            models.Index(fields=["rule", "noted_at"], condition=Q(told_at=None), name="alerts_waiting"),
            models.Index(fields=["noted_at"], name="alerts_by_age"),
        ]


class DeliveryState(models.TextChoices):
    QUEUED = "queued", "Queued"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"
    GIVEN_UP = "given_up", "Given up"


class Delivery(models.Model):
    """One message to one channel. Its row stands, committed, before anything is sent; a try whose end nobody heard of
    is made again, with the same id."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+", db_index=False)
    channel = models.ForeignKey(AlertChannel, on_delete=models.CASCADE, related_name="deliveries")
    rule = models.ForeignKey(AlertRule, null=True, on_delete=models.SET_NULL, related_name="+")
    is_test = models.BooleanField(default=False)
    title = models.CharField(max_length=300)
    severity = models.CharField(max_length=10)
    total = models.PositiveIntegerField()
    message = models.JSONField()
    """What is sent; it does not change from one try to the next."""
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.QUEUED)
    sentence = models.CharField(max_length=500, blank=True)
    """Why it waits or has failed, for people."""
    attempts = models.PositiveSmallIntegerField(default=0)
    reserved_until = models.DateTimeField(null=True)
    """A try is under way until then at the latest."""
    next_try_at = models.DateTimeField(null=True)
    provider_id = models.CharField(max_length=120, blank=True)
    """The other side's own name for it, such as a ticket's number."""
    created_at = models.DateTimeField()
    began_at = models.DateTimeField()
    """From when on the time until giving up counts."""
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "-id"], name="deliveries_newest"),
            models.Index(fields=["next_try_at"], condition=Q(state="queued"), name="deliveries_due"),
            models.Index(fields=["created_at"], name="deliveries_by_age"),
        ]
