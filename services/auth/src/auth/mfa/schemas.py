"""What the second factor looks like over the wire."""

from pydantic import BaseModel, ConfigDict, Field

from auth.wire import Input


class MfaSetup(BaseModel):
    """What the authenticator app is given."""

    model_config = ConfigDict(from_attributes=True)

    secret: str = Field(description="Base32, to be typed.")
    otpauth_uri: str
    qr_svg: str = Field(description="The address as a QR code, as an SVG picture.")


class Code(Input):
    """A code of the authenticator."""

    code: str = Field(min_length=6, max_length=10, pattern=r"^[0-9 ]+$", examples=["123456"])


class RecoveryCodes(BaseModel):
    """Codes for when the authenticator is lost: each works once, and they are shown this once."""

    recovery_codes: list[str]
