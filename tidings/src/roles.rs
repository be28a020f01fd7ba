//! The roles of a process.

/// The roles of a process; for everything else it calls its peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    /// Apps and users.
    pub directory: bool,
    /// The log.
    pub message: bool,
    /// Each user's view of the log.
    pub conversation: bool,
    /// Files.
    pub file: bool,
    /// Notifies apps' servers of events.
    pub callback: bool,
    /// REST.
    pub gateway: bool,
    /// The name of the process in telemetry.
    pub name: &'static str,
}

impl Roles {
    const NONE: Self = Self {
        directory: false,
        message: false,
        conversation: false,
        file: false,
        callback: false,
        gateway: false,
        name: "none",
    };
    /// Everything in one process.
    pub const ALL: Self = Self {
        directory: true,
        message: true,
        conversation: true,
        file: true,
        callback: true,
        gateway: true,
        name: "all",
    };
    /// Only the directory.
    pub const DIRECTORY: Self = Self { directory: true, name: "directory", ..Self::NONE };
    /// Only the message service.
    pub const MESSAGE: Self = Self { message: true, name: "message", ..Self::NONE };
    /// Only the conversation service.
    pub const CONVERSATION: Self = Self { conversation: true, name: "conversation", ..Self::NONE };
    /// Only the file service.
    pub const FILE: Self = Self { file: true, name: "file", ..Self::NONE };
    /// Only the callback service.
    pub const CALLBACK: Self = Self { callback: true, name: "callback", ..Self::NONE };
    /// Only the gateway.
    pub const GATEWAY: Self = Self { gateway: true, name: "gateway", ..Self::NONE };

    /// Whether it serves gRPC.
    pub const fn serves_grpc(self) -> bool {
        self.directory || self.message || self.conversation || self.file || self.callback
    }

    /// The services that it calls remotely, dependencies first. The call graph has no cycles, so the readiness of each
    /// can depend on that of the services it calls.
    pub fn calls(self) -> impl Iterator<Item = &'static str> {
        let (message, gateway) = (self.message, self.gateway);
        let calls = [
            ("directory", !self.directory),
            ("file", !self.file && (message || gateway)),
            ("message", !message && (self.conversation || self.callback || gateway)),
            ("conversation", !self.conversation && (self.callback || gateway)),
        ];
        calls.into_iter().filter(|(_, is_called)| *is_called).map(|(name, _)| name)
    }

    /// Whether it keeps data of its own.
    pub const fn keeps_data(self) -> bool {
        self.serves_grpc()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_role_calls_does_not_call_it() {
        let calls = |roles: Roles| roles.calls().collect::<Vec<_>>();
        assert_eq!(calls(Roles::ALL), [""; 0]);
        assert_eq!(calls(Roles::DIRECTORY), [""; 0]);
        assert_eq!(calls(Roles::FILE), ["directory"]);
        assert_eq!(calls(Roles::MESSAGE), ["directory", "file"]);
        assert_eq!(calls(Roles::CONVERSATION), ["directory", "message"]);
        assert_eq!(calls(Roles::CALLBACK), ["directory", "message", "conversation"]);
        assert_eq!(calls(Roles::GATEWAY), ["directory", "file", "message", "conversation"]);
    }
}
