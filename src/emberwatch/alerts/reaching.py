"""What the operator lets channels reach."""

from __future__ import annotations

from django.conf import settings as django_settings

from emberwatch.channels.network import Network
from emberwatch.config.environment import Environment
from emberwatch.core.clock import Clock, utc_now
from emberwatch.directories.entra.clouds import clouds
from emberwatch.http.guard import PrivateHosts


def environment() -> Environment:
    current: Environment = django_settings.ENVIRONMENT
    return current


def private_hosts() -> PrivateHosts:
    return PrivateHosts.of(environment().channel_private_hosts)


def network(clock: Clock = utc_now) -> Network:
    settings = environment()
    offered = clouds(settings.custom_cloud)
    return Network(
        private_hosts=private_hosts(),
        proxy_url=settings.proxy_url,
        ca_file=settings.channel_ca_file,
        login_urls={cloud.name: cloud.login_url for cloud in offered.values()},
        operators_clouds={cloud.name: cloud.ca_file for cloud in offered.values() if cloud.is_operators_own},
        clock=clock,
    )


def page_url(path: str) -> str:
    """The address of one of our pages, or nothing as long as the operator has not said where people reach them."""
    base = environment().base_url
    return f"{base}{path}" if base and path else ""
