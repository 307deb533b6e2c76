//! Secrets of the deployment: made once, kept in home, shared by all its processes. Not the secrets
//! of users.

use crate::{Error, Param, SystemScope};
use carnet_kernel::Value;

impl SystemScope {
    /// The secret of that name, made by whoever asks first.
    pub async fn secret(&self, name: &str) -> Result<[u8; 32], Error> {
        if let Some(secret) = self.kept(name).await? {
            return Ok(secret);
        }
        let mut fresh = [0_u8; 32];
        getrandom::fill(&mut fresh)
            .map_err(|error| Error::Internal(format!("no random numbers: {error}")))?;
        let text: String = fresh.iter().map(|byte| format!("{byte:02x}")).collect();
        let insert = "insert into {home}carnet_secrets (name, value) values ($1, $2)
                      on conflict (name) do nothing";
        let params = [Param::Text(name.to_owned()), Param::Text(text)];
        self.execute(&[(insert, &params)]).await?;
        // Another process may have been faster.
        self.kept(name)
            .await?
            .ok_or_else(|| Error::Internal(format!("the secret `{name}` was not kept")))
    }

    async fn kept(&self, name: &str) -> Result<Option<[u8; 32]>, Error> {
        let sql = "select value from {home}carnet_secrets where name = $1";
        let rows = self.rows(sql, &[Param::Text(name.to_owned())]).await?;
        match rows.first().and_then(|row| row.first()) {
            Some(Value::Text(text)) => read(text)
                .map(Some)
                .ok_or_else(|| Error::Internal(format!("the secret `{name}` cannot be read"))),
            _ => Ok(None),
        }
    }
}

fn read(text: &str) -> Option<[u8; 32]> {
    let mut secret = [0_u8; 32];
    if text.len() != 64 {
        return None;
    }
    for (position, byte) in secret.iter_mut().enumerate() {
        let digits = text.get(position * 2..position * 2 + 2)?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_64_digits() {
        assert_eq!(read(&"0a".repeat(32)), Some([10; 32]));
        assert_eq!(read("0a"), None);
        assert_eq!(read(&"zz".repeat(32)), None);
    }
}
