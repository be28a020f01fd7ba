//! The content of a message after an edit.

use std::{fmt, mem::discriminant};

use serde::{
    Deserialize,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use tidings_domain::{Body, Content, Error, Ext, JsonText, Text};

/// The change of the content.
#[derive(Debug)]
pub enum Change {
    /// Text appended to the text.
    Append(String),
    /// Another body of the same type, with `ext` and `config` if given.
    Replace {
        content: Box<Content>,
        /// Whether the keys of `ext` are merged into the old one.
        merge_ext: bool,
    },
}

/// The content after the change. What a dialect stored verbatim is about the old body, so it is removed.
pub fn edited(old: Content, change: Change) -> Result<Content, Error> {
    match change {
        Change::Append(more) => {
            let Body::Text(Text { text }) = old.body else {
                return Err(Error::invalid("append", "is only for text messages"));
            };
            Ok(Content { body: Body::Text(Text { text: text + &more }), verbatim: None, ..old })
        }
        Change::Replace { content: new, merge_ext } => {
            let new = *new;
            if discriminant(&old.body) != discriminant(&new.body) {
                return Err(Error::invalid("replace", "must be of the message's own type"));
            }
            let ext = match (old.ext, new.ext) {
                (Some(old), Some(new)) if merge_ext => Some(merged(&old, &new)?),
                (None, Some(new)) if merge_ext => Some(merged(&Ext::Text("{}".to_owned()), &new)?),
                (old, new) => new.or(old),
            };
            Ok(Content { body: new.body, ext, config: new.config.or(old.config), verbatim: new.verbatim })
        }
    }
}

/// The old object with the keys of the new one: existing ones in place, others at the end.
fn merged(old: &Ext, new: &Ext) -> Result<Ext, Error> {
    let mut pairs = object(old)?.0;
    for (key, value) in object(new)?.0 {
        match pairs.iter_mut().find(|(known, _)| *known == key) {
            Some((_, kept)) => *kept = value,
            None => pairs.push((key, value)),
        }
    }
    let mut json = String::from("{");
    for (key, value) in pairs {
        let comma = if json.len() > 1 { "," } else { "" };
        let key = serde_json::to_string(&key).map_err(Error::internal)?;
        json.extend([comma, &key, ":", value.get()]);
    }
    json.push('}');
    JsonText::parse(&json).map(Ext::Object).map_err(Error::internal)
}

fn object(ext: &Ext) -> Result<Pairs, Error> {
    let text = match ext {
        Ext::Object(json) => json.as_str(),
        Ext::Text(text) => text,
    };
    serde_json::from_str(text)
        .map_err(|error| Error::invalid("ext", "must be a JSON object, before and now, to be merged").because(error))
}

/// A JSON object in its own order, whose values are not parsed.
struct Pairs(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfObject;

        impl<'de> Visitor<'de> for OfObject {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(OfObject)
    }
}

#[cfg(test)]
mod tests {
    use tidings_domain::{Command, Dialect, Reason, Verbatim};

    use super::*;

    fn ext(json: &str) -> Ext {
        Ext::Object(JsonText::parse(json).unwrap())
    }

    fn old() -> Content {
        let verbatim = Verbatim { dialect: Dialect::Agora, json: JsonText::parse("{\"msg\":\"old\"}").unwrap() };
        Content {
            ext: Some(ext("{\"a\":1.10,\"b\":{\"c\":2}}")),
            config: Some("old".into()),
            verbatim: Some(verbatim),
            ..Content::text("old")
        }
    }

    fn replace(content: Content, merge_ext: bool) -> Change {
        Change::Replace { content: Box::new(content), merge_ext }
    }

    #[test]
    fn what_is_appended_stands_behind_the_old_text_and_the_rest_stays() {
        let new = edited(old(), Change::Append(" and new".into())).unwrap();
        assert_eq!(new, Content { verbatim: None, ..Content { body: Content::text("old and new").body, ..old() } });
    }

    #[test]
    fn nothing_can_be_appended_to_what_is_no_text() {
        let command = Content { body: Body::Command(Command::default()), ..old() };
        assert_eq!(edited(command, Change::Append("x".into())).unwrap_err().reason(), Reason::InvalidArgument);
    }

    #[test]
    fn ext_and_config_are_replaced_only_where_given() {
        let new = edited(old(), replace(Content::text("new"), false)).unwrap();
        assert_eq!((new.body, new.ext, new.config), (Content::text("new").body, old().ext, old().config));
        let given = Content { ext: Some(ext("{\"d\":0}")), config: Some("new".into()), ..Content::text("new") };
        let new = edited(old(), replace(given.clone(), false)).unwrap();
        assert_eq!(new, given);
    }

    #[test]
    fn merging_replaces_known_keys_adds_others_and_keeps_every_digit() {
        let given = Content { ext: Some(ext("{\"d\":1e400,\"b\":null}")), ..Content::text("new") };
        let new = edited(old(), replace(given.clone(), true)).unwrap();
        assert_eq!(new.ext, Some(ext("{\"a\":1.10,\"b\":null,\"d\":1e400}")));
        let without = Content { ext: None, ..old() };
        assert_eq!(edited(without, replace(given.clone(), true)).unwrap().ext, given.ext);
    }

    #[test]
    fn merging_with_what_is_no_object_is_refused() {
        let text = Content { ext: Some(Ext::Text("[1]".into())), ..old() };
        let given = Content { ext: Some(ext("{}")), ..Content::text("new") };
        for (old, new) in [(text.clone(), given.clone()), (given, text)] {
            assert_eq!(edited(old, replace(new, true)).unwrap_err().reason(), Reason::InvalidArgument);
        }
    }

    #[test]
    fn the_type_of_a_message_stays() {
        let command = Content { body: Body::Command(Command::default()), ..old() };
        assert_eq!(edited(old(), replace(command, false)).unwrap_err().reason(), Reason::InvalidArgument);
    }
}
