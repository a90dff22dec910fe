//! The secrets of the hub as its API keeps them: names and notes go out, values only in.

use ironcore_api::wire::SigningKind;
use ironcore_api::{Kept, SecretKeeper, SecretValue};
use ironcore_egress::{
    EgressError, SecretName, SecretString, Secrets, SigningKind as Kind, Stamp, generate_signing_secret,
};
use ironcore_types::event::ErrorData;
use ironcore_types::{Timestamp, UserId};
use secrecy::ExposeSecret as _;

/// Over the folder of secrets.
pub(super) struct Keeper(pub(super) Secrets);

impl SecretKeeper for Keeper {
    fn list(&self) -> Result<Vec<Kept>, ErrorData> {
        let all = self.0.list().map_err(told)?;
        let kept = all.into_iter().map(|kept| Kept {
            name: kept.name.to_string(),
            set: kept.set,
            by: kept.by,
            public_key: kept.public_key,
            opens: kept.opens,
        });
        Ok(kept.collect())
    }

    fn set(&self, name: &str, value: SecretValue, at: Timestamp, by: &UserId) -> Result<bool, ErrorData> {
        let name = SecretName::new(name).map_err(told)?;
        let stamp = Stamp {
            at: Some(at),
            by: Some(by.to_string()),
        };
        let value = SecretString::from(value.0);
        let replaced = self.0.contains(&name);
        self.0.seal_stamped(&name, &value, &stamp).map_err(told)?;
        Ok(replaced)
    }

    fn generate(&self, kind: SigningKind) -> Result<SecretValue, ErrorData> {
        let kind = match kind {
            SigningKind::Hmac => Kind::Hmac,
            SigningKind::Ed25519 => Kind::Ed25519,
        };
        let made = generate_signing_secret(kind).map_err(told)?;
        Ok(SecretValue(made.expose_secret().to_owned()))
    }

    fn remove(&self, name: &str) -> Result<bool, ErrorData> {
        let name = SecretName::new(name).map_err(told)?;
        self.0.remove(&name).map_err(told)
    }

    fn seal_for(&self, purpose: &str, plain: &[u8]) -> Result<Vec<u8>, ErrorData> {
        self.0.seal_for(purpose, plain).map_err(told)
    }

    fn open_for(&self, purpose: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, ErrorData> {
        let opened = self.0.open_for(purpose, sealed).map_err(told)?;
        Ok(opened.map(|value| value.expose_secret().clone()))
    }
}

fn told(error: EgressError) -> ErrorData {
    ErrorData {
        code: error.code(),
        message: error.to_string(),
    }
}
