"""The names of the ATT&CK techniques that detections speak of (MITRE ATT&CK, Enterprise; a sub-technique after its parent's name)."""

NAMES = {
    "T1059.001": "Command and Scripting Interpreter: PowerShell",
    "T1078": "Valid Accounts",
    "T1078.004": "Valid Accounts: Cloud Accounts",
    "T1098": "Account Manipulation",
    "T1098.001": "Account Manipulation: Additional Cloud Credentials",
    "T1098.003": "Account Manipulation: Additional Cloud Roles",
    "T1098.005": "Account Manipulation: Device Registration",
    "T1110": "Brute Force",
    "T1110.001": "Brute Force: Password Guessing",
    "T1110.003": "Brute Force: Password Spraying",
    "T1110.004": "Brute Force: Credential Stuffing",
    "T1111": "Multi-Factor Authentication Interception",
    "T1199": "Trusted Relationship",
    "T1484.002": "Domain or Tenant Policy Modification: Trust Modification",
    "T1526": "Cloud Service Discovery",
    "T1528": "Steal Application Access Token",
    "T1531": "Account Access Removal",
    "T1539": "Steal Web Session Cookie",
    "T1546": "Event Triggered Execution",
    "T1550.001": "Use Alternate Authentication Material: Application Access Token",
    "T1550.004": "Use Alternate Authentication Material: Web Session Cookie",
    "T1552": "Unsecured Credentials",
    "T1552.004": "Unsecured Credentials: Private Keys",
    "T1555": "Credentials from Password Stores",
    "T1556": "Modify Authentication Process",
    "T1556.006": "Modify Authentication Process: Multi-Factor Authentication",
    "T1556.009": "Modify Authentication Process: Conditional Access Policies",
    "T1557": "Adversary-in-the-Middle",
    "T1562": "Impair Defenses",
    "T1562.007": "Impair Defenses: Disable or Modify Cloud Firewall",
    "T1562.008": "Impair Defenses: Disable or Modify Cloud Logs",
    "T1566": "Phishing",
    "T1606.002": "Forge Web Credentials: SAML Tokens",
    "T1621": "Multi-Factor Authentication Request Generation",
    "T1656": "Impersonation",
}


def name(technique: str) -> str:
    """Return what a technique is called; the id itself for one that is not known here."""
    return NAMES.get(technique, technique)
