// The vendor's own web SDK, unmodified, over its WebSocket: node websdk-realtime.js URL APP_KEY USER [DEVICE]
// Commands come as JSON lines on standard input, {"step", "call", "args"}; each is answered by a line {"step", "ok"} or
// {"step", "fault"}. What the SDK reports by itself is a line {"event", "data"}.
const { JSDOM } = require('jsdom')
const readline = require('readline')

const [url, appKey, user, device] = process.argv.slice(2)
const { window } = new JSDOM('<!doctype html>', { url, pretendToBeVisual: true })
// The SDK reads these as globals; Node has some of its own that are not the browser's.
for (const name of ['window', 'document', 'navigator', 'location', 'localStorage', 'XMLHttpRequest', 'WebSocket', 'FormData', 'File', 'Blob']) {
    Object.defineProperty(globalThis, name, { value: name === 'window' ? window : window[name], configurable: true, writable: true })
}
globalThis.self = window
const sdk = require('easemob-websdk')
const SDK = sdk.default || sdk
SDK.logger?.disableAll?.()

const print = line => console.log(JSON.stringify(line))
const connection = new SDK.connection({
    appKey,
    isHttpDNS: false,
    url: url.replace(/^http/, 'ws') + '/websocket',
    apiUrl: url,
    https: false,
    delivery: true,
    autoReconnectNumMax: 0,
    // Without one, it is a new device each time: its name is kept in the page's storage.
    ...(device ? { deviceId: device, isFixedDeviceId: false } : {}),
})

const heard = {}
const shown = ({ id, mid, type, from, to, chatType, msg, ext, action, customEvent, time }) =>
    ({ id, mid, type, from, to, chatType, msg, ext, action, customEvent, has_time: time > 0 })
for (const name of ['onTextMessage', 'onCmdMessage', 'onCustomMessage', 'onLocationMessage', 'onImageMessage', 'onRecallMessage',
    'onReadMessage', 'onDeliveredMessage', 'onChannelMessage', 'onModifiedMessage']) {
    heard[name] = data => print({ event: name, data: shown(data) })
}
for (const name of ['onGroupEvent', 'onChatroomEvent', 'onContactInvited', 'onContactAgreed', 'onContactRefuse', 'onContactAdded',
    'onContactDeleted', 'onReactionChange', 'onChatThreadChange', 'onMessagePinEvent']) {
    heard[name] = data => print({ event: name, data })
}
heard.onConnected = () => print({ event: 'onConnected' })
heard.onDisconnected = () => print({ event: 'onDisconnected' })
heard.onOfflineMessageSyncFinish = () => print({ event: 'onOfflineMessageSyncFinish' })
heard.onError = fault => print({ event: 'onError', data: { type: fault?.type, message: fault?.message } })
connection.addEventHandler('test', heard)

const calls = {
    open: args => connection.open({ user, ...args }),
    send: async args => {
        const { localMsgId, serverMsgId } = await connection.send(SDK.message.create(args))
        return { is_numbered: localMsgId !== serverMsgId, id: serverMsgId }
    },
    recall: async args => { await connection.recallMessage(args) },
    edit: async ({ messageId, message }) => {
        const done = await connection.modifyMessage({ messageId, modifiedMessage: SDK.message.create(message) })
        return { msg: done?.message?.msg, count: done?.message?.modifiedInfo?.operationCount }
    },
    join: async args => (await connection.joinChatRoom(args)).data,
    leave: async args => (await connection.leaveChatRoom(args)).data,
    // Any other call of the SDK.
    sdk: async ({ method, args }) => { await connection[method](...args) },
    close: () => connection.close(),
}

const input = readline.createInterface({ input: process.stdin })
input.on('line', async text => {
    const { step, call, args } = JSON.parse(text)
    try {
        print({ step, ok: (await calls[call](args)) ?? null })
    } catch (fault) {
        print({ step, fault: { type: fault?.type, message: fault?.message ?? fault?.reason ?? String(fault) } })
    }
})
input.on('close', () => process.exit(0))
