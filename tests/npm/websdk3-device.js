// The same as websdk-device.js with the web SDK 3, whose calls and events have other names and shapes.
function device(SDK, url, appKey, user, print, name) {
    const connection = new SDK.connection({
        appKey,
        isHttpDNS: false,
        url: `${url}/ws`,
        apiUrl: url,
        https: false,
        delivery: true,
        autoReconnectNumMax: 0,
        ...(name ? { deviceId: name } : {}),
    })

    const chatTypes = { chat: 'singleChat', groupchat: 'groupChat', chatroom: 'chatRoom' }
    const shown = ({ time, type, data, ...rest }) =>
        ({ ...rest, chatType: chatTypes[type], msg: data, has_time: time > 0 })
    // By the names that version 4 has for them.
    const names = {
        onTextMessage: 'onTextMessage', onPictureMessage: 'onImageMessage', onFileMessage: 'onFileMessage',
        onAudioMessage: 'onAudioMessage', onVideoMessage: 'onVideoMessage', onLocationMessage: 'onLocationMessage',
        onCmdMessage: 'onCmdMessage', onCustomMessage: 'onCustomMessage', onRecallMessage: 'onRecallMessage',
        onReadMessage: 'onReadMessage', onDeliveredMessage: 'onDeliveredMessage', onChannelMessage: 'onChannelMessage',
    }
    const heard = {}
    for (const [name, event] of Object.entries(names)) heard[name] = data => print({ event, data: shown(data) })
    heard.onPresence = data => print({ event: 'onPresence', data })
    heard.onContactInvited = data => print({ event: 'onContactInvited', data })
    heard.onContactAgreed = data => print({ event: 'onContactAgreed', data })
    heard.onClosed = () => print({ event: 'onDisconnected' })
    let opening
    heard.onOpened = () => {
        print({ event: 'onConnected' })
        opening?.resolve()
    }
    heard.onError = fault => {
        print({ event: 'onError', data: { type: fault?.type, message: fault?.message } })
        opening?.reject(fault)
    }
    connection.listen(heard)

    const groups = { groupChat: 'groupchat', chatRoom: 'chatroom' }
    const send = ({ type, content, name, mime, ...args }) => new Promise((resolve, reject) => {
        const message = new SDK.message(type, connection.getUniqueId())
        const data = content === undefined ? undefined : new File([content], name, { type: mime })
        const file = data && { data, filename: name, filetype: mime, url: '' }
        const done = { success: (localMsgId, serverMsgId) => resolve({ localMsgId, serverMsgId }), fail: reject }
        // What is sent to a room is sent to a group that is one.
        message.set({ ...args, ...done, roomType: args.chatType === 'chatRoom', ...(file ? { file, apiUrl: url } : {}), onFileUploadError: reject })
        if (groups[args.chatType]) message.setGroup(groups[args.chatType])
        connection.send(message.body)
    })
    const called = (method, args) =>
        new Promise((success, error) => { connection[method]({ ...args, success, error }) })

    const calls = {
        open: args => new Promise((resolve, reject) => {
            opening = { resolve, reject }
            connection.open({ user, appKey, apiUrl: url, ...args })
        }),
        send: async args => {
            // Nothing answers an acknowledgement.
            if (['read', 'channel'].includes(args.type)) return void send(args)
            const { localMsgId, serverMsgId } = await send(args)
            return { is_numbered: localMsgId !== serverMsgId, id: serverMsgId }
        },
        recall: ({ chatType, ...args }) => new Promise((success, fail) => {
            connection.recallMessage({ ...args, type: chatType, success, fail })
        }),
        join: async args => (await called('joinChatRoom', args)).data,
        leave: async args => (await called('quitChatRoom', args)).data,
        sdk: async ({ method, args }) => { connection[method](...args) },
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
