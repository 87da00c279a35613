"""Tables of identities: accounts, groups, roles and applications of connected directories, and how far each was read.

Everything belongs to one tenant, also where several tenants are connected to the same directory: each sees what
its own registration was shown, and nothing that another tenant's was.
"""

from __future__ import annotations

from typing import Final

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from emberwatch.core.ids import new_id
from emberwatch.directories.models import DirectoryConnection
from emberwatch.tenants.models import Tenant

RISK_STATES: Final = {
    "none": "no risk",
    "atRisk": "at risk",
    "confirmedSafe": "confirmed safe",
    "remediated": "remediated",
    "dismissed": "dismissed",
    "confirmedCompromised": "confirmed compromised",
}


class Identity(models.Model):
    """An account in a tenant's directory with the facts that were last read about it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    entra_tenant_id = models.UUIDField()
    object_id = models.UUIDField()
    user_principal_name = models.CharField(max_length=320)
    display_name = models.CharField(max_length=256, blank=True)
    mail = models.CharField(max_length=320, blank=True)
    enabled = models.BooleanField(null=True)
    user_type = models.CharField(max_length=32, blank=True)
    synced = models.BooleanField(default=False)
    last_password_change_at = models.DateTimeField(null=True)
    account_created_at = models.DateTimeField(null=True)
    external = models.BooleanField(default=False)
    without_password_at = models.DateTimeField(null=True)
    """When a sign-in was answered "this account has no password"; forgotten when one is set."""
    read_at = models.DateTimeField()
    proxy_addresses = ArrayField(models.TextField(), default=list)
    """As the directory gives them, with their kind in front: ``SMTP:ann@contoso.example``."""
    other_mails = ArrayField(models.TextField(), default=list)
    on_premises_sam = models.CharField(max_length=256, blank=True, default="")
    on_premises_upn = models.CharField(max_length=320, blank=True, default="")
    on_premises_domain = models.CharField(max_length=256, blank=True, default="")
    external_state = models.CharField(max_length=64, blank=True, default="")
    password_policies = models.CharField(max_length=128, blank=True, default="")
    sessions_valid_from_at = models.DateTimeField(null=True)
    """Sessions that began before are dead."""
    on_premises_synced_at = models.DateTimeField(null=True)
    department = models.CharField(max_length=256, blank=True, default="")
    job_title = models.CharField(max_length=256, blank=True, default="")
    manager_object_id = models.UUIDField(null=True)
    licences = ArrayField(models.UUIDField(), default=list)
    """Ids of the products that are assigned; :attr:`DirectorySync.organisation` names them."""
    keys = ArrayField(models.TextField(), default=list)
    """Every present name in the form in which logins compare equal, see :mod:`emberwatch.identities.policy`."""
    generation = models.PositiveIntegerField(default=0)
    """The last full reading that met the account; 0: met by a look-up alone."""
    deleted_at = models.DateTimeField(null=True)
    """In the directory's bin since then; it can be restored for thirty days."""
    removed_at = models.DateTimeField(null=True)
    """No longer listed by the directory, or outside of the group that is read; noticed then."""
    last_sign_in_at = models.DateTimeField(null=True)
    """Of attempts too, wrong ones among them."""
    last_successful_sign_in_at = models.DateTimeField(null=True)
    mfa_registered = models.BooleanField(null=True)
    mfa_methods = ArrayField(models.TextField(), default=list)
    risk_level = models.CharField(max_length=32, blank=True, default="")
    risk_state = models.CharField(max_length=32, blank=True, default="")
    risk_updated_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "entra_tenant_id", "object_id"], name="identity_unique"
            ),
        ]
        indexes = [
            models.Index(fields=["entra_tenant_id", "object_id"], name="identity_by_account"),
            models.Index(fields=["tenant", "user_principal_name", "id"], name="identity_in_order"),
            GinIndex(fields=["keys"], name="identity_by_name"),
        ]

    @property
    def is_gone(self) -> bool:
        return self.deleted_at is not None or self.removed_at is not None

    @property
    def state_words(self) -> str:
        """Whether the account can be used, and of which kind it is."""
        state = {True: "enabled", False: "disabled", None: "state unknown"}[self.enabled]
        gone = "deleted" if self.deleted_at else "no longer listed" if self.removed_at else ""
        synced = "synced from on premises" if self.synced else ""
        return ", ".join(filter(None, (gone or state, self.user_type.lower(), synced)))

    @property
    def risk_words(self) -> str:
        """Level and state as Microsoft gives them, in plain words."""
        return ", ".join(filter(None, (self.risk_level, RISK_STATES.get(self.risk_state, self.risk_state))))


class FormerName(models.Model):
    """A name that an account had until then; kept by us, the directory forgets it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="former_names")
    name = models.TextField()
    """In the form of :attr:`Identity.keys`."""
    was_sign_in_name = models.BooleanField(default=False)
    until = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["identity", "name"], name="former_name_unique")]
        indexes = [models.Index(fields=["tenant", "name"], name="former_name_by_name")]


class Group(models.Model):
    """A group, or an active directory role, which has members just like one."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+", db_index=False)
    entra_tenant_id = models.UUIDField()
    object_id = models.UUIDField()
    name = models.CharField(max_length=256, blank=True)
    is_role = models.BooleanField(default=False)
    template_id = models.UUIDField(null=True)
    """A role's, which is the same in every directory."""
    privileged = models.BooleanField(default=False)
    """A role that can change others, or a group to which such a role may be assigned."""
    generation = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "entra_tenant_id", "object_id"], name="group_unique"),
        ]


class GroupMember(models.Model):
    """A direct member of a group or role: an account, or another group."""

    id = models.BigAutoField(primary_key=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+", db_index=False)
    entra_tenant_id = models.UUIDField()
    group_object_id = models.UUIDField()
    member_object_id = models.UUIDField()
    is_group = models.BooleanField(default=False)
    generation = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "entra_tenant_id", "group_object_id", "member_object_id"],
                name="group_member_unique",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "entra_tenant_id", "member_object_id"], name="groups_of_member"),
        ]


class Application(models.Model):
    """An application that people of the directory can open."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+", db_index=False)
    entra_tenant_id = models.UUIDField()
    object_id = models.UUIDField()
    app_id = models.UUIDField()
    """The same in every directory."""
    name = models.CharField(max_length=256, blank=True)
    enabled = models.BooleanField(default=True)
    open_to_all = models.BooleanField(default=False)
    """Nobody has to be given it."""
    privileged = models.BooleanField(default=False)
    """Made to change a directory or its services, whoever opens it."""
    generation = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "entra_tenant_id", "object_id"], name="application_unique"
            ),
        ]


class ApplicationOpening(models.Model):
    """An application that was given to a person, or to the direct members of a group."""

    id = models.BigAutoField(primary_key=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+", db_index=False)
    entra_tenant_id = models.UUIDField()
    application_object_id = models.UUIDField()
    principal_object_id = models.UUIDField()
    role = models.CharField(max_length=256, blank=True)
    """What they are there, in the application's own words; empty for the default access."""
    privileged = models.BooleanField(default=False)
    generation = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "entra_tenant_id", "application_object_id", "principal_object_id"],
                name="application_opening_unique",
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "entra_tenant_id", "principal_object_id"], name="openings_of_principal"
            ),
        ]


class SyncState(models.TextChoices):
    IDLE = "idle", "Up to date"
    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Reading"
    FAILED = "failed", "Failed"


class DirectorySync(models.Model):
    """How far a tenant's copy of its directory is, and what the next request has to ask for.

    What a reading has stored stands with the place at which it goes on in one transaction, so a process may die
    at any moment: the next one goes on at the last page.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    connection = models.OneToOneField(DirectoryConnection, on_delete=models.CASCADE, related_name="sync")
    entra_tenant_id = models.UUIDField()
    """The directory that was read; another one in the connection makes the reading begin anew."""
    group_id = models.UUIDField(null=True)
    """Only members of this group are read."""
    state = models.CharField(max_length=16, choices=SyncState.choices, default=SyncState.IDLE)
    sentence = models.TextField(blank=True, default="")
    """What keeps it from being up to date."""
    stage = models.CharField(max_length=24, blank=True, default="")
    sealed_position = models.BinaryField(null=True)
    """Where in the stage to go on: the directory's own next link, whole, which nobody else can read."""
    is_asked_for = models.BooleanField(default=False)
    """A person asked: everything is read again that is otherwise read now and then."""
    requested_by = models.CharField(max_length=300, blank=True, default="")
    requested_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    """When the last reading was complete."""
    next_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    """In a row."""
    counts = models.JSONField(default=dict)
    """Of the reading under way, or of the last one."""
    refusals = models.JSONField(default=dict)
    """What is switched off because the directory refused it: why, what to do, and when it was asked last."""
    read_ats = models.JSONField(default=dict)
    """When each stage was complete last."""
    organisation = models.JSONField(default=dict)

    @property
    def is_open(self) -> bool:
        return self.state in (SyncState.WAITING, SyncState.RUNNING)


class TrackSubject(models.TextChoices):
    ACCOUNTS = "accounts", "Accounts"
    GROUPS = "groups", "Groups"
    APPLICATIONS = "applications", "Applications"


class ChangeTrack(models.Model):
    """How far the changes of one kind of object have been followed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    sync = models.ForeignKey(DirectorySync, on_delete=models.CASCADE, related_name="tracks")
    subject = models.CharField(max_length=16, choices=TrackSubject.choices)
    sealed_delta_link = models.BinaryField(null=True)
    """From here the next reading asks for changes; whole, as the directory gave it. Without it, all is read."""
    generation = models.PositiveIntegerField(default=0)
    """Counts the full readings. What the last one did not meet is no longer there."""
    full_since = models.DateTimeField(null=True)
    """When the full reading under way began; nothing when only changes are read."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sync", "subject"], name="change_track_unique")]


class SyncLease(models.Model):
    """Who reads a directory at the moment: one process, whichever of its tenants it reads for."""

    entra_tenant_id = models.UUIDField(primary_key=True)
    holder = models.UUIDField(null=True)
    until = models.DateTimeField(null=True)
