//! The RPCs on notification settings, called from the one `impl` of `DirectoryService`.

use tidings_domain::Error;
use tidings_proto::{page_start, page_token, pb};
use tonic::Request;

use crate::{
    Directory,
    convert::{
        notification::{listed_notification, notification, notification_change},
        size,
        user::user_ref,
    },
    model::notification::NotificationTarget,
};

impl Directory {
    pub(super) async fn notification_set(
        &self,
        request: Request<pb::SetNotificationRequest>,
    ) -> Result<pb::NotificationSetting, Error> {
        let caller = self.caller(&request).await?;
        let wire = request.into_inner();
        let change = notification_change(&wire)?;
        let (user, target) = (user_ref(wire.user)?, wire.target.unwrap_or_default().into());
        Ok(notification(target, self.core.set_notification(&caller, &user, target, change).await?))
    }

    pub(super) async fn notifications(
        &self,
        request: Request<pb::GetNotificationsRequest>,
    ) -> Result<pb::GetNotificationsResponse, Error> {
        let caller = self.caller(&request).await?;
        let wire = request.into_inner();
        let user = user_ref(wire.user)?;
        let targets: Vec<NotificationTarget> = wire.targets.into_iter().map(Into::into).collect();
        let found = self.core.get_notifications(&caller, &user, &targets).await?;
        let settings = targets.into_iter().zip(found).map(|(target, setting)| notification(target, setting)).collect();
        Ok(pb::GetNotificationsResponse { settings })
    }

    pub(super) async fn notifications_listed(
        &self,
        request: Request<pb::ListNotificationsRequest>,
    ) -> Result<pb::ListNotificationsResponse, Error> {
        let caller = self.caller(&request).await?;
        let wire = request.into_inner();
        let (after, limit) = (page_start(&wire.page_token)?, size(wire.page_size, 100)?);
        let (found, next) = self.core.list_notifications(&caller, &user_ref(wire.user)?, after, limit).await?;
        let settings = found.into_iter().map(listed_notification).collect();
        Ok(pb::ListNotificationsResponse { settings, next_page_token: page_token(next.unwrap_or_default()) })
    }
}
