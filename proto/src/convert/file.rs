//! Files.

use tidings_domain::{Error, StoredFile, Thumbnail, UserId};

use super::{moment, moment_if_set, timestamp};
use crate::pb;

impl From<StoredFile> for pb::FileInfo {
    fn from(file: StoredFile) -> Self {
        Self {
            uuid: file.uuid,
            name: file.name,
            content_type: file.content_type,
            size: file.size as i64,
            restricted: file.restricted,
            share_secret: file.secret,
            created_at: Some(timestamp(file.created_at)),
            expires_at: file.expires_at.map(timestamp),
            sha256: file.sha256,
            thumbnail: file.thumbnail.map(|thumbnail| pb::ThumbnailInfo {
                content_type: thumbnail.content_type,
                size: thumbnail.size as i64,
            }),
            width: file.dimensions.map_or(0, |(width, _)| width as i32),
            height: file.dimensions.map_or(0, |(_, height)| height as i32),
            owner_user_id: file.owner.map(|owner| owner.0),
        }
    }
}

impl TryFrom<pb::FileInfo> for StoredFile {
    type Error = Error;

    fn try_from(wire: pb::FileInfo) -> Result<Self, Error> {
        let size = |bytes: i64| u64::try_from(bytes).map_err(|_| Error::invalid("size", "must not be negative"));
        let thumbnail = wire.thumbnail.map(|thumbnail| {
            Ok::<_, Error>(Thumbnail { content_type: thumbnail.content_type, size: size(thumbnail.size)? })
        });
        Ok(Self {
            uuid: wire.uuid,
            name: wire.name,
            content_type: wire.content_type,
            size: size(wire.size)?,
            sha256: wire.sha256,
            restricted: wire.restricted,
            secret: wire.share_secret,
            thumbnail: thumbnail.transpose()?,
            dimensions: u32::try_from(wire.width)
                .ok()
                .zip(u32::try_from(wire.height).ok())
                .filter(|dimensions| *dimensions != (0, 0)),
            owner: wire.owner_user_id.map(UserId),
            created_at: moment("created_at", wire.created_at)?,
            expires_at: moment_if_set("expires_at", wire.expires_at)?,
        })
    }
}
