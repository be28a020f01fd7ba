//! Rows with named columns.
//!
//! Columns are read by position, at the cost of a tuple's. With debug assertions, as in tests, each must have the name
//! of its field, so that two columns of the same type are not mixed up.

use sqlx::{ColumnIndex, Decode, Row, Type};

/// Declares a struct that is read from rows with the same columns in the same order, on either engine and from the JSON
/// of a [`Gather`](crate::Gather).
///
/// `COLUMNS` are the names of the columns, for what puts them into that JSON.
#[macro_export]
macro_rules! row {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($fvis:vis $column:ident: $type:ty,)* }) => {
        $(#[$meta])*
        $vis struct $name {
            $($fvis $column: $type,)*
        }

        impl $name {
            $vis const COLUMNS: &'static [&'static str] = &[$(stringify!($column)),*];
        }

        impl<'r, R: $crate::sqlx::Row> $crate::sqlx::FromRow<'r, R> for $name
        where
            usize: $crate::sqlx::ColumnIndex<R>,
            $($type: $crate::sqlx::Decode<'r, R::Database> + $crate::sqlx::Type<R::Database>,)*
        {
            fn from_row(row: &'r R) -> $crate::sqlx::Result<Self> {
                let mut columns = $crate::columns_of(row);
                Ok(Self { $($column: columns.next(stringify!($column))?,)* })
            }
        }

        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Columns;

                impl<'de> $crate::serde::de::Visitor<'de> for Columns {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(f, "the columns {}", $name::COLUMNS.join(", "))
                    }

                    fn visit_seq<A: $crate::serde::de::SeqAccess<'de>>(self, mut row: A) -> Result<$name, A::Error> {
                        use $crate::serde::de::Error as _;
                        Ok($name {
                            $($column: row.next_element()?.ok_or_else(|| A::Error::missing_field(stringify!($column)))?,)*
                        })
                    }
                }

                deserializer.deserialize_seq(Columns)
            }
        }
    };
}

/// The columns of a row, one after the other.
#[doc(hidden)]
#[derive(Debug)]
pub struct Columns<'r, R> {
    row: &'r R,
    at: usize,
}

#[doc(hidden)]
pub fn columns_of<R: Row>(row: &R) -> Columns<'_, R> {
    Columns { row, at: 0 }
}

impl<'r, R: Row> Columns<'r, R>
where
    usize: ColumnIndex<R>,
{
    /// The next one, which must have that name.
    pub fn next<T: Decode<'r, R::Database> + Type<R::Database>>(&mut self, name: &str) -> sqlx::Result<T> {
        let at = self.at;
        self.at += 1;
        debug_assert_eq!(self.row.columns().get(at).map(sqlx::Column::name), Some(name), "column {at} of a row");
        self.row.try_get(at)
    }
}

#[cfg(test)]
mod tests {
    row! {
        #[derive(Debug, PartialEq)]
        struct Pair {
            one: i64,
            other: Option<String>,
        }
    }

    #[test]
    fn a_row_is_read_from_the_json_of_its_columns_in_their_order() {
        assert_eq!(Pair::COLUMNS, ["one", "other"]);
        let read = |json| serde_json::from_str::<Pair>(json);
        assert_eq!(read(r#"[1,"x"]"#).unwrap(), Pair { one: 1, other: Some("x".to_owned()) });
        assert_eq!(read("[1,null]").unwrap(), Pair { one: 1, other: None });
        for wrong in ["[1]", r#"["x",1]"#, r#"[1,"x",2]"#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    async fn select(statement: &'static str) -> sqlx::Result<Pair> {
        let pool = sqlx::SqlitePool::connect("sqlite::memory:").await?;
        sqlx::query_as(statement).fetch_one(&pool).await
    }

    #[tokio::test]
    async fn a_row_is_read_by_place() {
        let expected = Pair { one: 1, other: Some("x".to_owned()) };
        assert_eq!(select("select 1 as one, 'x' as other").await.unwrap(), expected);
    }

    #[tokio::test]
    #[should_panic(expected = "column 1 of a row")]
    async fn a_column_of_another_name_is_noticed_in_tests() {
        let _ = select("select 1 as one, 'x' as another").await;
    }
}
