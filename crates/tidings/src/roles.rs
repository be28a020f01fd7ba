//! What a process does.

/// The roles of a process; what it does not do itself it asks its peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    /// Who exists.
    pub directory: bool,
    /// The log.
    pub message: bool,
    /// Each user's view of it.
    pub conversation: bool,
    /// Bytes.
    pub file: bool,
    /// Tells apps' servers what happened.
    pub callback: bool,
    /// REST.
    pub gateway: bool,
    /// What telemetry calls the process.
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
    /// The directory alone.
    pub const DIRECTORY: Self = Self { directory: true, name: "directory", ..Self::NONE };
    /// The message service alone.
    pub const MESSAGE: Self = Self { message: true, name: "message", ..Self::NONE };
    /// The conversation service alone.
    pub const CONVERSATION: Self = Self { conversation: true, name: "conversation", ..Self::NONE };
    /// The file service alone.
    pub const FILE: Self = Self { file: true, name: "file", ..Self::NONE };
    /// The callback service alone.
    pub const CALLBACK: Self = Self { callback: true, name: "callback", ..Self::NONE };
    /// The gateway alone.
    pub const GATEWAY: Self = Self { gateway: true, name: "gateway", ..Self::NONE };

    /// Whether it serves gRPC.
    pub const fn serves_grpc(self) -> bool {
        self.directory || self.message || self.conversation || self.file || self.callback
    }

    /// Whether it keeps data of its own.
    pub const fn keeps_data(self) -> bool {
        self.serves_grpc()
    }
}
