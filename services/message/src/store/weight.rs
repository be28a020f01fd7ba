//! Limits the memory of one answer.
//!
//! A message may be as large as its app's policy allows, and an answer has hundreds of them. So statements that read many
//! rows leave out the content of large ones ([`light_content!`]: such a row has no body), and it is read separately as
//! long as the answer has room ([`tidings_store::Scale`]).

use tidings_domain::{AppId, Error, MsgId};
use tidings_store::{Db, on_db, sqlx};

use crate::content::StoredContent;

/// The columns of a message's content; all null if they exceed 16 KiB together. Lengths are known without
/// reading the text.
macro_rules! light_content {
    () => {
        concat!(
            $crate::store::weight::light_content!("body"),
            ", ",
            $crate::store::weight::light_content!("ext"),
            ", ",
            $crate::store::weight::light_content!("config"),
            ", ",
            $crate::store::weight::light_content!("verbatim")
        )
    };
    ($column:literal) => {
        concat!(
            "case when octet_length(m.body) + coalesce(octet_length(m.ext), 0) + coalesce(octet_length(m.config), 0)
            + coalesce(octet_length(m.verbatim), 0) <= 16384 then m.",
            $column,
            " end as ",
            $column
        )
    };
}
pub(crate) use light_content;

/// Recalled or not. The sum selects the index that only lookups by id use.
const CONTENT: &str = "
    select m.body, m.ext, m.config, m.verbatim, m.edits, m.checksum from message m
    where m.app_id = $1 and m.msg_id + 0 = $2";

pub const ALL: &[&str] = &[CONTENT];

/// The content that a row left out, as it is now, with what it is checked against ([`crate::checksum`]).
#[derive(Debug)]
pub struct LeftOut {
    pub content: StoredContent,
    pub edits: i64,
    pub checksum: i64,
}

type ContentRow = (String, Option<String>, Option<String>, Option<String>, i64, i64);

/// A message's content alone, recalled or not, unchecked.
pub async fn content(db: &Db, app: AppId, msg_id: MsgId) -> Result<Option<LeftOut>, Error> {
    let row: Option<ContentRow> =
        on_db!(db, |c| sqlx::query_as(CONTENT).bind(app.0).bind(msg_id.0).fetch_optional(c).await)?;
    Ok(row.map(|(body, ext, config, verbatim, edits, checksum)| {
        let content = StoredContent { body, ext, config, verbatim };
        LeftOut { content, edits, checksum }
    }))
}

/// Puts it into a row with these columns.
macro_rules! put_in {
    ($row:ident, $left_out:ident) => {{
        let $crate::store::weight::LeftOut { content, edits, checksum } = $left_out;
        ($row.body, $row.ext, $row.config, $row.verbatim) =
            (Some(content.body), content.ext, content.config, content.verbatim);
        ($row.edits, $row.checksum) = (edits, checksum);
    }};
}
pub(crate) use put_in;
