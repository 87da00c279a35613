"""Tables of leaked data."""

from __future__ import annotations

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from emberwatch.core.ids import new_id
from emberwatch.core.verdict import Certainty, Verdict, VerdictGroup
from emberwatch.identities.models import Identity
from emberwatch.tenants.models import Tenant


class SourceKind(models.TextChoices):
    """Where leaked data came from. The values are those of the parsers."""

    STEALER_LOG = "stealer_log", "Stealer log"
    ULP = "ulp", "ULP"
    COMBO_LIST = "combo_list", "Combo list"
    BREACH = "breach", "Breach"
    FEED = "feed", "Feed"


class DateBasis(models.TextChoices):
    """Which kind of date the best date of a leak is; the order is that of trust."""

    INFECTION = "infection", "Infection"
    BREACH = "breach", "Breach"
    STATED = "stated", "Stated by who imported it"
    FIRST_SEEN = "first_seen", "First seen here"


class ExposureKind(models.TextChoices):
    EMPLOYEE = "employee", "Employee"
    """The login belongs to a monitored domain or is a monitored address."""
    EXTERNAL = "external", "Customer or contractor"
    """A foreign login at one of the tenant's own login hosts; never validated."""


class Source(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=16, choices=SourceKind.choices)
    name = models.CharField(max_length=200)
    leaked_at = models.DateTimeField(null=True)
    """The date of the leak as the person who imported it stated it."""
    breached_at = models.DateTimeField(null=True)
    """When the service was breached, as its publisher or a vendor says."""
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "kind", "name", "leaked_at", "breached_at"],
                nulls_distinct=False,
                name="source_unique",
            ),
        ]


class Machine(models.Model):
    """An infected device named by a stealer log. ``key`` is the log's best stable name for it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    family = models.CharField(max_length=60, blank=True)
    computer_name = models.CharField(max_length=200, blank=True)
    user_name = models.CharField(max_length=200, blank=True)
    operating_system = models.CharField(max_length=200, blank=True)
    ip_address = models.CharField(max_length=64, blank=True)
    country = models.CharField(max_length=60, blank=True)
    infected_at = models.DateTimeField(null=True)
    infected_at_text = models.CharField(max_length=100, blank=True, default="")
    """As the log wrote it: the only trace of the date when the log gives no time zone."""
    first_seen_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="machine_unique")]

    @property
    def name(self) -> str:
        """What to call it: its own name, else what the log knows it by."""
        return self.computer_name or self.user_name or self.ip_address or "Unnamed machine"


class SecretKind(models.TextChoices):
    PLAINTEXT = "plaintext", "Password"
    HASH = "hash", "Hash"


class Credential(models.Model):
    """One leaked login and secret of one tenant, unique by keyed fingerprint."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # Every index below begins with the tenant: one of its own would only make each new row dearer.
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+", db_index=False)
    fingerprint = models.BinaryField(max_length=32)
    login = models.CharField(max_length=320)
    login_canonical = models.CharField(max_length=320)
    domain = models.CharField(max_length=253)
    """The monitored domain that the login belongs to."""
    sealed_secret = models.BinaryField()
    secret_kind = models.CharField(max_length=16, choices=SecretKind.choices)
    hash_types = models.JSONField(default=list)
    secret_length = models.PositiveIntegerField()
    secret_classes = models.CharField(max_length=8)
    """Which kinds of characters it holds: ``a`` lower, ``A`` upper, ``1`` digit, ``#`` other."""
    source_kind = models.CharField(max_length=16, choices=SourceKind.choices)
    """Kind of the newest sighting's source, for the list and its filter."""
    leaked_at = models.DateTimeField(null=True)
    """The best date of the leak: infection over breach over stated over first seen, then the newest sighting's."""
    leaked_at_basis = models.CharField(max_length=16, blank=True, default="", choices=DateBasis.choices)
    """Which kind of date ``leaked_at`` is; empty for rows older than this column."""
    exposure_kind = models.CharField(
        max_length=16, default=ExposureKind.EMPLOYEE, choices=ExposureKind.choices
    )
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    identity = models.ForeignKey(Identity, null=True, on_delete=models.SET_NULL, related_name="credentials")
    matched_by = models.CharField(max_length=40, blank=True, default="")
    """Why the login is that account's, or that several accounts bear it: the codes of ``identities.policy``."""
    matched_at = models.DateTimeField(null=True)
    """When accounts were last searched for one with this login; nothing when that is still to be done."""
    verdict = models.CharField(
        max_length=24, default=Verdict.UNVALIDATED, choices=[(v.value, v.label) for v in Verdict]
    )
    verdict_group = models.CharField(
        max_length=16, default=VerdictGroup.NOT_VALIDATED, choices=[(g.value, g.label) for g in VerdictGroup]
    )
    certainty = models.CharField(max_length=8, blank=True, choices=[(c.value, c.value) for c in Certainty])
    verdict_at = models.DateTimeField(null=True)
    looked_at = models.DateTimeField(null=True)
    """When the facts behind the verdict were last read; later than ``verdict_at`` when they confirmed it."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "fingerprint"], name="credential_unique")]
        indexes = [
            models.Index(fields=["tenant", "-last_seen_at", "-id"], name="feed_newest"),
            models.Index(fields=["tenant", "verdict_group", "-last_seen_at", "-id"], name="feed_by_group"),
            models.Index(fields=["tenant", "login_canonical"], name="feed_by_login"),
            models.Index(
                fields=["tenant", "-last_seen_at", "-id"],
                condition=models.Q(exposure_kind="external"),
                name="feed_external",
            ),
            models.Index(fields=["id"], condition=models.Q(matched_at=None), name="credential_unmatched"),
            models.Index(
                fields=["tenant", "login_canonical"],
                condition=models.Q(login_canonical__contains="+"),
                name="credential_sub_addressed",
            ),
        ]


class Sighting(models.Model):
    """One place at which a credential was seen: a source, a file, a machine and a site."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+", db_index=False)
    credential = models.ForeignKey(
        Credential, on_delete=models.CASCADE, related_name="sightings", db_index=False
    )
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="sightings")
    machine = models.ForeignKey(Machine, null=True, on_delete=models.SET_NULL, related_name="sightings")
    place = models.BinaryField(max_length=16)
    """Digest of what makes two sightings of a credential one and the same place."""
    file_name = models.CharField(max_length=500)
    line = models.PositiveBigIntegerField()
    """Of the first entry at this place."""
    url = models.TextField(blank=True)
    application = models.CharField(max_length=200, blank=True)
    leaked_at = models.DateTimeField(null=True)
    """The best date that this sighting alone gives."""
    leaked_at_basis = models.CharField(max_length=16, blank=True, default="", choices=DateBasis.choices)
    seen_at = models.DateTimeField()
    import_id = models.UUIDField(null=True)
    """The import that brought it."""
    also_in = ArrayField(models.UUIDField(), default=list)
    """Later imports that found the very same place again: undoing one must not take it from the others."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["credential", "place"], name="sighting_unique")]
        indexes = [
            models.Index(fields=["import_id", "id"], name="sighting_by_import"),
            GinIndex(fields=["also_in"], condition=~models.Q(also_in=[]), name="sighting_also_in"),
        ]


class Cookie(models.Model):
    """A browser's cookie of one of the tenant's sites: a session that may go on without any password."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+", db_index=False)
    machine = models.ForeignKey(Machine, null=True, on_delete=models.SET_NULL, related_name="cookies")
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="cookies")
    fingerprint = models.BinaryField(max_length=32)
    """Of its machine, its place and its value: the same cookie in another leak is no other row."""
    host = models.CharField(max_length=253)
    name = models.CharField(max_length=300)
    path = models.CharField(max_length=300)
    is_secure = models.BooleanField()
    expires_at = models.DateTimeField(null=True)
    """Empty for one that ends with the browser's session, whenever that is."""
    sealed_value = models.BinaryField()
    file_name = models.CharField(max_length=500)
    line = models.PositiveBigIntegerField()
    seen_at = models.DateTimeField()
    import_id = models.UUIDField()
    also_in = ArrayField(models.UUIDField(), default=list)
    """Later imports that found it again, as of a sighting."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "fingerprint"], name="cookie_unique")]
        indexes = [
            models.Index(fields=["tenant", "-id"], name="cookies_newest"),
            models.Index(fields=["import_id", "id"], name="cookie_by_import"),
            GinIndex(fields=["also_in"], condition=~models.Q(also_in=[]), name="cookie_also_in"),
        ]

    @property
    def was_live(self) -> bool:
        """Whether it could still open a session when it was imported."""
        return self.is_live(self.seen_at)

    def is_live(self, now: datetime) -> bool:
        return self.expires_at is None or self.expires_at > now


class VerdictRecord(models.Model):
    """One entry of a credential's history: a verdict with its evidence, kept when a later one replaces it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    credential = models.ForeignKey(Credential, on_delete=models.CASCADE, related_name="verdict_records")
    verdict = models.CharField(max_length=24)
    certainty = models.CharField(max_length=8, blank=True)
    at = models.DateTimeField()
    decided_for = models.CharField(max_length=300)
    """The actor on whose behalf it was asked."""
    evidence = models.JSONField()

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["credential", "-at"], name="history_newest")]


class Handling(models.TextChoices):
    OPEN = "open", "Open"
    REMEDIATED = "remediated", "Remediated"
    IGNORED = "ignored", "Ignored"


class ClosingScope(models.TextChoices):
    PAIR = "pair", "This credential"
    LOGIN = "login", "Every credential of this login"


class Closing(models.Model):
    """That somebody has dealt with a credential, or with all of a login, by hand."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+", db_index=False)
    credential = models.ForeignKey(Credential, null=True, on_delete=models.SET_NULL, related_name="closings")
    """The one that it began with; a login stays closed without it."""
    login_canonical = models.CharField(max_length=320)
    handling = models.CharField(max_length=16, choices=Handling.choices)
    scope = models.CharField(max_length=8, choices=ClosingScope.choices, default=ClosingScope.PAIR)
    reason = models.CharField(max_length=500)
    until = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=300)
    closed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    """When somebody opened it again, or closed it anew."""
    ended_by = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["tenant", "login_canonical"],
                condition=models.Q(ended_at=None),
                name="closings_in_force",
            ),
        ]
