// One device of the vendor's own web SDK, unmodified, over its WebSocket: in Node and in a browser.
// Commands are JSON texts, {"step", "call", "args"}; each is answered with {"step", "ok"} or {"step", "fault"}. What the SDK
// reports by itself is {"event", "data"}.
function device(SDK, url, appKey, user, print, name) {
    const connection = new SDK.connection({
        appKey,
        isHttpDNS: false,
        url: url.replace(/^http/, 'ws') + '/websocket',
        apiUrl: url,
        https: false,
        delivery: true,
        autoReconnectNumMax: 0,
        // Without one, it is a new device each time: its name is kept in the page's storage.
        ...(name ? { deviceId: name, isFixedDeviceId: false } : {}),
    })
    // Before 4.13 packets are wrapped in SockJS, which has an address of its own.
    const [major, minor] = connection.version.split('.')
    if (Number(major) === 4 && Number(minor) < 13) connection.url = `${url}/ws`

    const heard = {}
    const shown = ({ time, file, ...data }) => ({ ...data, has_time: time > 0 })
    for (const name of ['onTextMessage', 'onImageMessage', 'onFileMessage', 'onAudioMessage', 'onVideoMessage', 'onLocationMessage',
        'onCmdMessage', 'onCustomMessage', 'onCombineMessage', 'onRecallMessage', 'onReadMessage', 'onDeliveredMessage',
        'onChannelMessage', 'onModifiedMessage']) {
        heard[name] = data => print({ event: name, data: shown(data) })
    }
    for (const name of ['onGroupEvent', 'onChatroomEvent', 'onContactInvited', 'onContactAgreed', 'onContactRefuse', 'onContactAdded',
        'onContactDeleted', 'onReactionChange', 'onChatThreadChange', 'onMessagePinEvent']) {
        heard[name] = data => print({ event: name, data })
    }
    heard.onConnected = () => print({ event: 'onConnected' })
    heard.onDisconnected = () => print({ event: 'onDisconnected' })
    heard.onPresenceStatusChange = users => print({ event: 'onPresenceStatusChange', data: users[0] })
    heard.onOfflineMessageSyncFinish = () => print({ event: 'onOfflineMessageSyncFinish' })
    heard.onError = fault => {
        const ext = fault?.data?.loginInfoCustomExt
        print({ event: 'onError', data: { type: fault?.type, message: fault?.message, ext } })
    }
    connection.addEventHandler('test', heard)

    // A message's `content`, a text, becomes its file.
    const made = ({ content, name, mime, ...args }) => {
        const data = content === undefined ? undefined : new File([content], name, { type: mime })
        const file = data && { data, filename: name, filetype: mime, url: '' }
        return SDK.message.create(file ? { ...args, file } : args)
    }

    const calls = {
        open: args => connection.open({ user, ...args }),
        send: async args => {
            const { localMsgId, serverMsgId } = await connection.send(made(args))
            return { is_numbered: localMsgId !== serverMsgId, id: serverMsgId }
        },
        recall: async args => { await connection.recallMessage(args) },
        edit: async ({ messageId, message }) => {
            const done = await connection.modifyMessage({ messageId, modifiedMessage: SDK.message.create(message) })
            return { msg: done?.message?.msg, count: done?.message?.modifiedInfo?.operationCount }
        },
        join: async args => (await connection.joinChatRoom(args)).data,
        leave: async args => (await connection.leaveChatRoom(args)).data,
        subscribe: async args => { await connection.subscribePresence(args) },
        publish: async args => { await connection.publishPresence(args) },
        // Any other call of the SDK.
        sdk: async ({ method, args }) => (await connection[method](...args)) ?? null,
        close: () => connection.close(),
    }

    return async text => {
        const { step, call, args } = JSON.parse(text)
        try {
            print({ step, ok: (await calls[call](args)) ?? null })
        } catch (fault) {
            print({ step, fault: { type: fault?.type, message: fault?.message ?? fault?.reason ?? String(fault) } })
        }
    }
}

if (typeof module === 'object') module.exports = device
