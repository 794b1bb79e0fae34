"""One method for each thing that Okta logs, on Classic and on Identity Engine. Each could be Okta's own.

What differs between the engines: a wrong password on Identity Engine is two events of one transaction, 3 ms apart; a
refused push is ``user.mfa.okta_verify.deny_push`` on Classic and a failed ``auth_via_mfa`` on Identity Engine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from .people import Engine, Person, okta_id, token
from .places import Agent, Network

Event = dict[str, Any]
Target = dict[str, Any]

PASSWORD_PAIR = timedelta(milliseconds=3)
# eventType: displayMessage, legacyEventType, severity
TYPES: dict[str, tuple[str, str | None, str]] = {
    "user.session.start": ("User login to Okta", "core.user_auth.login_success", "INFO"),
    "user.session.end": ("User logout from Okta", "core.user_auth.logout_success", "INFO"),
    "user.session.access_admin_app": ("User accessing Okta admin app", "app.admin.sso.login.success", "INFO"),
    "user.authentication.auth_via_mfa": ("Authentication of user via MFA", "core.user.factor.attempt_success", "INFO"),
    "user.authentication.sso": ("User single sign on to app", "app.auth.sso", "INFO"),
    "user.mfa.okta_verify.deny_push": ("User rejected Okta push verify", "core.user.factor.push_rejected", "INFO"),
    "system.push.send_factor_verify_push": ("Send push verify activity", "mfa.push.send", "INFO"),
    "user.mfa.factor.reset_all": ("Reset all factors for user", "core.user.factor.reset_all", "INFO"),
    "user.mfa.factor.activate": ("Activate factor or authenticator enrollment", "core.user.factor.activate", "INFO"),
    "policy.evaluate_sign_on": ("Evaluation of sign-on policy", None, "INFO"),
    "user.account.lock": ("Max sign in attempts exceeded", "core.user_auth.account_locked", "WARN"),
    "user.account.unlock": ("Unlock user account", "core.user_auth.account_unlocked", "INFO"),
    "user.account.reset_password": (
        "Fired when the user's Okta password is reset",
        "core.user.config.password_reset",
        "INFO",
    ),
    "user.account.privilege.grant": ("Grant user privilege", "core.user.admin_privilege.granted", "INFO"),
    "user.account.privilege.revoke": ("Revoke all user admin privileges", "core.user.admin_privilege.revoked", "INFO"),
    "group.privilege.grant": ("Grant group privilege", "group.privilege.grant", "INFO"),
    "group.user_membership.add": ("Add user to group membership", "core.user_group_member.user_add", "INFO"),
    "group.user_membership.remove": ("Remove user from group membership", "core.user_group_member.user_remove", "INFO"),
    "application.user_membership.add": (
        "Add user to application membership",
        "app.generic.provision.assign_user_to_app",
        "INFO",
    ),
    "user.account.update_profile": ("Update user profile for Okta", "core.user.config.profile_update", "INFO"),
    "system.agent.ad.import_user": ("Perform import user by AD agent", "app.ad.agent.import_user", "INFO"),
    "group.user_membership.rule.trigger": ("Trigger group membership rule", None, "INFO"),
}
SYSTEM = {
    "id": "00uSYSTEMPRINCIPAL00",
    "type": "SystemPrincipal",
    "alternateId": "system@okta.com",
    "displayName": "Okta System",
}


@dataclass(frozen=True)
class Client:
    """What somebody sits at: a network, a browser, the hash of its device cookie, and the session that it holds."""

    network: Network
    agent: Agent
    dt_hash: str
    session: str = "unknown"

    def moved(self, network: Network) -> "Client":
        """The same browser and session on another network."""
        return replace(self, network=network)


def new_client(rng: Random, network: Network, agent: Agent, dt_hash: str | None = None) -> Client:
    """A browser without a session yet."""
    return Client(network, agent, dt_hash or f"{rng.getrandbits(256):064x}")


def signed_in(rng: Random, client: Client, engine: Engine) -> Client:
    """The same browser with a new session."""
    return replace(client, session=("idx" if engine == "oie" else "102") + token(rng, 22))


def user_target(person: Person) -> Target:
    """A person to whom something was done."""
    return {
        "id": person.id,
        "type": "User",
        "alternateId": person.login,
        "displayName": person.name,
        "detailEntry": None,
    }


def group_target(group_id: str, name: str) -> Target:
    """A group that something was done to."""
    return {"id": group_id, "type": "UserGroup", "alternateId": "unknown", "displayName": name, "detailEntry": None}


def written(at: datetime) -> str:
    """A time as Okta writes it: UTC, milliseconds, ``Z``."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Log:
    """Collects events in the order in which they are told. ``rng`` makes their ids."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.events: list[Event] = []

    def write(
        self,
        at: datetime,
        kind: str,
        actor: Person | Mapping[str, Any],
        client: Client | None,
        *,
        result: str = "SUCCESS",
        reason: str | None = None,
        targets: Sequence[Target] | None = None,
        debug: Mapping[str, Any] | None = None,
        transaction: str | None = None,
        legacy: str | None = None,
    ) -> Event:
        """Write one event and return it. Without a client it is a job's: no address, no place, no session."""
        message, usual_legacy, severity = TYPES[kind]
        transaction = transaction or token(self.rng, 27)
        session = client.session if client else None
        debug_data = {"requestId": transaction, "threatSuspected": "false", **(debug or {})}
        if client:
            debug_data["dtHash"] = client.dt_hash
        event: Event = {
            "uuid": str(UUID(int=self.rng.getrandbits(128), version=1)),
            "published": written(at),
            "eventType": kind,
            "version": "0",
            "severity": severity if result in {"SUCCESS", "ALLOW", "CHALLENGE"} else "WARN",
            "legacyEventType": legacy or usual_legacy,
            "displayMessage": message,
            "actor": _actor(actor),
            "client": _client(client),
            "device": None,
            "request": {"ipChain": _ip_chain(client)},
            "outcome": {"result": result, "reason": reason},
            "target": list(targets) if targets is not None else None,
            "transaction": {"type": "WEB" if client else "JOB", "id": transaction, "detail": {}},
            "debugContext": {"debugData": debug_data},
            "authenticationContext": {
                "authenticationProvider": None,
                "credentialProvider": None,
                "credentialType": None,
                "issuer": None,
                "interface": None,
                "authenticationStep": 0,
                "externalSessionId": session,
                "rootSessionId": session,
            },
            "securityContext": _security(client),
            "insertionTimestamp": None,
        }
        self.events.append(event)
        return event

    # signing in

    def session_start(self, at: datetime, person: Person, client: Client) -> Event:
        """A sign-in that went well."""
        uri = "/idp/idx/identify" if person.engine == "oie" else "/api/v1/authn"
        debug = {"requestUri": uri, "url": f"{uri}?", "authnRequestId": token(self.rng, 27)}
        return self.write(at, "user.session.start", person, client, debug=debug)

    def wrong_password(self, at: datetime, person: Person, client: Client) -> list[Event]:
        """A sign-in that failed at the password. Two events on Identity Engine; ``user.session.start`` is the last."""
        transaction = token(self.rng, 27)
        uri = "/idp/idx/challenge/answer" if person.engine == "oie" else "/api/v1/authn"
        reason = "VERIFICATION_ERROR" if person.id == "unknown" else "INVALID_CREDENTIALS"
        told: list[Event] = []
        if person.engine == "oie":
            told.append(
                self.write(
                    at,
                    "user.authentication.auth_via_mfa",
                    person,
                    client,
                    result="FAILURE",
                    reason="INVALID_CREDENTIALS",
                    debug={"requestUri": uri, "url": f"{uri}?", "factor": "PASSWORD_AS_FACTOR"},
                    transaction=transaction,
                    legacy="core.user.factor.attempt_fail",
                )
            )
            at += PASSWORD_PAIR
        told.append(
            self.write(
                at,
                "user.session.start",
                person,
                client,
                result="FAILURE",
                reason=reason,
                debug={"requestUri": uri, "url": f"{uri}?", "loginResult": reason},
                transaction=transaction,
                legacy="core.user_auth.login_failed",
            )
        )
        return told

    def right_password(self, at: datetime, person: Person, client: Client) -> None:
        """The password was right. Identity Engine logs it as a factor; Classic does not log it apart."""
        if person.engine == "oie":
            debug = {
                "requestUri": "/idp/idx/challenge/answer",
                "url": "/idp/idx/challenge/answer?",
                "factor": "PASSWORD_AS_FACTOR",
            }
            self.write(at, "user.authentication.auth_via_mfa", person, client, debug=debug)

    def policy(self, at: datetime, person: Person, client: Client, result: str = "CHALLENGE") -> Event:
        """The sign-on policy's answer: ALLOW, CHALLENGE or DENY. Behaviours are text, list or object, as in life."""
        behaviours = dict.fromkeys(("New Device", "New IP", "New Country", "Velocity"), "NEGATIVE")
        pairs = [f"{name}={verdict}" for name, verdict in behaviours.items()]
        spelled: Any = self.rng.choice((behaviours, pairs, "{" + ", ".join(pairs) + "}"))
        debug = {
            "requestUri": "/idp/idx/identify",
            "risk": "{reasons=Anomalous Device, level=LOW}",
            "behaviors": spelled,
        }
        return self.write(
            at,
            "policy.evaluate_sign_on",
            person,
            client,
            result=result,
            reason=f"Sign-on policy evaluation resulted in {result}",
            targets=[
                {
                    "id": okta_id(self.rng, "0pr"),
                    "type": "Rule",
                    "alternateId": "unknown",
                    "displayName": "Catch-all Rule",
                }
            ],
            debug=debug,
        )

    def push_sent(self, at: datetime, person: Person, client: Client, transaction: str) -> Event:
        """A push went to the phone."""
        debug = {"requestUri": "/idp/idx/authenticators/poll", "factor": "OKTA_VERIFY_PUSH"}
        return self.write(
            at,
            "system.push.send_factor_verify_push",
            person,
            client,
            targets=[user_target(person)],
            debug=debug,
            transaction=transaction,
        )

    def push_refused(self, at: datetime, person: Person, phone: Client, transaction: str) -> Event:
        """The person said no: the event carries the phone's address and agent."""
        if person.engine == "classic":
            return self.write(
                at,
                "user.mfa.okta_verify.deny_push",
                person,
                phone,
                result="FAILURE",
                reason="INVALID_CREDENTIALS",
                targets=[user_target(person)],
                debug={"requestUri": "/api/v1/authn/factors/verify", "factor": "OKTA_VERIFY_PUSH"},
                transaction=transaction,
            )
        return self._push_answer(at, person, phone, transaction, "FAILURE", "INVALID_CREDENTIALS", "OV_RESPONSE_DENY")

    def push_accepted(self, at: datetime, person: Person, phone: Client, transaction: str) -> Event:
        """The person said yes."""
        return self._push_answer(at, person, phone, transaction, "SUCCESS", None, "OV_RESPONSE_APPROVE")

    def _push_answer(
        self,
        at: datetime,
        person: Person,
        phone: Client,
        transaction: str,
        result: str,
        reason: str | None,
        response: str,
    ) -> Event:
        debug = {"requestUri": "/api/v1/authn/factors/verify", "factor": "OKTA_VERIFY_PUSH"}
        if person.engine == "oie":
            debug |= {"requestUri": "/idp/authenticators/push/verify", "pushOnlyResponseType": response}
        return self.write(
            at,
            "user.authentication.auth_via_mfa",
            person,
            phone,
            result=result,
            reason=reason,
            targets=[user_target(person)],
            debug=debug,
            transaction=transaction,
            legacy="core.user.factor.attempt_success" if result == "SUCCESS" else "core.user.factor.attempt_fail",
        )

    def sso(self, at: datetime, person: Person, client: Client, application: str) -> Event:
        """A sign-on to an application through the session."""
        target = {
            "id": okta_id(self.rng, "0oa"),
            "type": "AppInstance",
            "alternateId": application,
            "displayName": application,
        }
        debug = {"requestUri": "/app/sso", "url": "/app/sso?", "signOnMode": "SAML 2.0"}
        return self.write(at, "user.authentication.sso", person, client, targets=[target], debug=debug)

    # administration

    def role_granted(
        self,
        at: datetime,
        actor: Person,
        client: Client,
        receiver: Person,
        role: str,
        marker: str | None = "ROLE_ASSIGNED",
    ) -> Event:
        """A role given to a person or, marked ``ROLE_UNASSIGNED``, taken away. Some events have no marker."""
        targets = [user_target(receiver)]
        if marker:
            targets.append({"id": marker, "type": "ROLE_CHANGE", "alternateId": marker, "displayName": marker})
            targets.append({"id": okta_id(self.rng, "irb"), "type": "ROLE", "alternateId": role, "displayName": role})
        uri = f"/api/internal/administrators/{receiver.id}"
        debug = {"requestUri": uri, "url": uri, "privilegeGranted": role}
        return self.write(at, "user.account.privilege.grant", actor, client, targets=targets, debug=debug)

    def role_granted_to_group(
        self, at: datetime, actor: Person, client: Client, group_id: str, group: str, role: str
    ) -> Event:
        """A role given to a group, and so to its members."""
        uri = f"/api/v1/groups/{group_id}/roles"
        debug = {"requestUri": uri, "url": f"{uri}?", "privilegeGranted": role}
        return self.write(
            at, "group.privilege.grant", actor, client, targets=[group_target(group_id, group)], debug=debug
        )

    def membership(
        self, at: datetime, actor: Person, client: Client, member: Person, group_id: str, group: str
    ) -> Event:
        """A person added to a group by a person."""
        uri = f"/api/v1/groups/{group_id}/users/{member.id}"
        debug = {"requestUri": uri, "url": f"{uri}?"}
        targets = [user_target(member), group_target(group_id, group)]
        return self.write(at, "group.user_membership.add", actor, client, targets=targets, debug=debug)

    def administered(
        self, at: datetime, kind: str, actor: Person, client: Client, target: Person, **details: Any
    ) -> Event:
        """Any other thing that an administrator did to a person."""
        return self.write(at, kind, actor, client, targets=[user_target(target)], **details)


def _actor(actor: Person | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(actor, Person):
        return {
            "id": actor.id,
            "type": "User",
            "alternateId": actor.login,
            "displayName": actor.name,
            "detailEntry": None,
        }
    return {**actor, "detailEntry": None}


def _geography(network: Network) -> dict[str, Any] | None:
    if network.city is None:
        return None
    place = {"lat": network.place[0], "lon": network.place[1]} if network.place else None
    city = network.city
    return {
        "city": city.name,
        "state": city.state or None,
        "country": city.country,
        "postalCode": city.postal_code or None,
        "geolocation": place,
    }


def _client(client: Client | None) -> dict[str, Any]:
    if client is None:
        return {
            "userAgent": None,
            "zone": None,
            "device": None,
            "id": None,
            "ipAddress": None,
            "geographicalContext": None,
        }
    agent = client.agent
    return {
        "userAgent": {"rawUserAgent": agent.raw, "os": agent.os, "browser": agent.browser},
        "zone": client.network.zone,
        "device": agent.device,
        "id": None,
        "ipAddress": client.network.ip,
        "geographicalContext": _geography(client.network),
    }


def _ip_chain(client: Client | None) -> list[dict[str, Any]]:
    if client is None:
        return []
    ip = client.network.ip
    return [
        {
            "ip": ip,
            "geographicalContext": _geography(client.network),
            "version": "V6" if ":" in ip else "V4",
            "source": None,
        }
    ]


def _security(client: Client | None) -> dict[str, Any]:
    if client is None:
        return {"asNumber": None, "asOrg": None, "isp": None, "domain": None, "isProxy": None}
    network = client.network
    owner = network.owner.lower()
    return {
        "asNumber": network.asn,
        "asOrg": owner,
        "isp": owner,
        "domain": network.domain,
        "isProxy": network.is_proxy,
    }
