//! A sum over all rows of a table that does not depend on their order: the engines sort texts differently.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, SqliteConnection};
use tidings_domain::Error;

use super::table::{Table, Value};
use crate::domain_error;

/// The number of rows, and the sum of their hashes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    pub rows: u64,
    hashes: u128,
}

impl Sum {
    /// Adds a row. Two hashes with different beginnings make 128 bits.
    pub fn add(&mut self, row: &[Value]) {
        let half = |seed: u64| {
            let mut hasher = DefaultHasher::new();
            seed.hash(&mut hasher);
            for value in row {
                match value {
                    Value::Int(value) => value.hash(&mut hasher),
                    Value::Text(value) => value.hash(&mut hasher),
                }
            }
            hasher.finish()
        };
        self.rows += 1;
        self.hashes = self.hashes.wrapping_add(u128::from(half(1)) << 64 | u128::from(half(2)));
    }
}

impl Table {
    /// The sum of the table in the file.
    pub async fn sum_of_source(&self, from: &mut SqliteConnection) -> Result<Sum, Error> {
        let text = format!("select {} from \"{}\"", self.names(), self.name);
        let (mut rows, mut sum) = (sqlx::query(AssertSqlSafe(text)).fetch(from), Sum::default());
        while let Some(row) = rows.try_next().await.map_err(domain_error)? {
            sum.add(&self.values(&row).map_err(domain_error)?);
        }
        Ok(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_rows_does_not_matter_and_everything_else_does() {
        let row = |number, text: &str| vec![Value::Int(Some(number)), Value::Text(Some(text.to_owned()))];
        let sum = |rows: &[Vec<Value>]| {
            let mut sum = Sum::default();
            for row in rows {
                sum.add(row);
            }
            sum
        };
        let whole = sum(&[row(1, "a"), row(2, "b")]);
        assert_eq!(whole, sum(&[row(2, "b"), row(1, "a")]));
        let nulls = vec![Value::Int(None), Value::Text(None)];
        for other in [vec![row(1, "a")], vec![row(1, "b"), row(2, "a")], vec![row(1, "a"), nulls]] {
            assert_ne!(whole, sum(&other), "{other:?}");
        }
    }
}
