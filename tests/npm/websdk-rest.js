// The REST calls of the vendor's own web SDK, unmodified, against a server: node websdk-rest.js URL APP_KEY USER PASSWORD
// OTHER PART. The part `users` registers USER and OTHER; `rest` logs USER in and makes the calls that a client makes over
// REST, as a super admin of rooms. Prints one JSON line per step: its name, and what the SDK returned or refused with.
const { JSDOM } = require('jsdom')

const [url, appKey, user, password, other, part] = process.argv.slice(2)
const { window } = new JSDOM('<!doctype html>', { url, pretendToBeVisual: true })
// The SDK reads these as globals; Node has some of its own that are not the browser's.
for (const name of ['window', 'document', 'navigator', 'location', 'localStorage', 'XMLHttpRequest', 'WebSocket', 'FormData', 'File', 'Blob']) {
    Object.defineProperty(globalThis, name, { value: name === 'window' ? window : window[name], configurable: true, writable: true })
}
globalThis.self = window
const sdk = require('easemob-websdk')
const SDK = sdk.default || sdk
SDK.logger?.disableAll?.()

const connection = new SDK.connection({
    appKey,
    isHttpDNS: false,
    url: url.replace(/^http/, 'ws') + '/websocket',
    apiUrl: url,
    https: false,
    autoReconnectNumMax: 0,
})

async function step(name, call) {
    const line = { step: name }
    try {
        const answer = await call()
        line.ok = answer === undefined ? null : answer
    } catch (fault) {
        line.fault = { type: fault?.type, message: fault?.message ?? String(fault), data: fault?.data ?? fault?.extraInfo }
    }
    console.log(JSON.stringify(line))
    return line.ok
}

// Realtime is not the subject here: a login that has its token is enough.
function logIn() {
    return new Promise((resolve, reject) => {
        connection.open({ user, pwd: password }).then(resolve, reject)
        const poll = setInterval(() => {
            if (connection.context?.accessToken) {
                clearInterval(poll)
                resolve('token')
            }
        }, 5)
        setTimeout(() => reject(new Error('no token')), 10_000).unref()
    })
}

async function users() {
    await step('registerUser', () => connection.registerUser({ username: user, password, nickname: 'Nora' }))
    await step('registerUser other', () => connection.registerUser({ username: other, password, nickname: 'Omar' }))
}

async function rest() {
    await step('open', logIn)

    await step('updateUserInfo', () => connection.updateUserInfo({ nickname: 'Nora N', avatarurl: 'http://a/b.png', sign: 'hi' }))
    await step('updateOwnUserInfo', () => connection.updateOwnUserInfo('mail', 'nora@example.com'))
    await step('fetchUserInfoById', () => connection.fetchUserInfoById([user, other]))
    await step('fetchUserInfoById some', () => connection.fetchUserInfoById([user], ['nickname']))

    const group = await step('createGroup', () =>
        connection.createGroupVNext({
            groupName: 'tulips', description: 'about tulips', members: [other], isPublic: true, needApprovalToJoin: false,
            allowMemberToInvite: true, inviteNeedConfirm: false, maxMemberCount: 200,
        }))
    const groupId = group?.data?.groupId
    await step('getGroupInfo', () => connection.getGroupInfo({ groupId }))
    await step('getJoinedGroups', () => connection.getJoinedGroups({ pageNum: 0, pageSize: 20 }))
    await step('getJoinedGroups roles', () => connection.getJoinedGroups({ pageNum: 0, pageSize: 20, needAffiliations: true, needRole: true }))
    await step('getPublicGroups', () => connection.getPublicGroups({ limit: 20 }))
    await step('listGroupMembers', () => connection.listGroupMembers({ groupId, pageNum: 1, pageSize: 20 }))
    await step('modifyGroup', () => connection.modifyGroup({ groupId, groupName: 'roses', description: 'about roses' }))
    await step('setGroupAdmin', () => connection.setGroupAdmin({ groupId, username: other }))
    await step('getGroupAdmin', () => connection.getGroupAdmin({ groupId }))
    await step('removeGroupAdmin', () => connection.removeGroupAdmin({ groupId, username: other }))
    await step('muteGroupMember', () => connection.muteGroupMember({ groupId, username: other, muteDuration: 60_000 }))
    await step('getGroupMutelist', () => connection.getGroupMutelist({ groupId }))
    await step('unmuteGroupMember', () => connection.unmuteGroupMember({ groupId, username: other }))
    await step('disableSendGroupMsg', () => connection.disableSendGroupMsg({ groupId }))
    await step('enableSendGroupMsg', () => connection.enableSendGroupMsg({ groupId }))
    await step('addUsersToGroupAllowlist', () => connection.addUsersToGroupAllowlist({ groupId, users: [other] }))
    await step('getGroupAllowlist', () => connection.getGroupAllowlist({ groupId }))
    await step('removeGroupAllowlistMember', () => connection.removeGroupAllowlistMember({ groupId, userName: other }))
    await step('updateGroupAnnouncement', () => connection.updateGroupAnnouncement({ groupId, announcement: 'water them' }))
    await step('fetchGroupAnnouncement', () => connection.fetchGroupAnnouncement({ groupId }))
    await step('setGroupMemberAttributes', () => connection.setGroupMemberAttributes({ groupId, userId: user, memberAttributes: { k: 'v' } }))
    await step('getGroupMemberAttributes', () => connection.getGroupMemberAttributes({ groupId, userId: user }))
    await step('getGroupSharedFilelist', () => connection.getGroupSharedFilelist({ groupId, pageNum: 1, pageSize: 10 }))
    await step('blockGroupMember', () => connection.blockGroupMember({ groupId, username: other }))
    await step('getGroupBlocklist', () => connection.getGroupBlocklist({ groupId }))
    await step('unblockGroupMember', () => connection.unblockGroupMember({ groupId, username: other }))
    await step('inviteUsersToGroup', () => connection.inviteUsersToGroup({ groupId, users: [other] }))
    await step('removeGroupMember', () => connection.removeGroupMember({ groupId, username: other }))
    await step('destroyGroup', () => connection.destroyGroup({ groupId }))

    await step('getChatRooms', () => connection.getChatRooms({ pagenum: 1, pagesize: 20 }))
    const room = await step('createChatRoom', () =>
        connection.createChatRoom({ name: 'lobby', description: 'all', maxusers: 200, members: [other] }))
    const chatRoomId = room?.data?.id
    await step('getChatRoomDetails', () => connection.getChatRoomDetails({ chatRoomId }))
    await step('modifyChatRoom', () => connection.modifyChatRoom({ chatRoomId, chatRoomName: 'hall', description: 'all', maxusers: 300 }))
    await step('setChatRoomAdmin', () => connection.setChatRoomAdmin({ chatRoomId, username: other }))
    await step('getChatRoomAdmin', () => connection.getChatRoomAdmin({ chatRoomId }))
    await step('setChatRoomAttribute', () =>
        connection.setChatRoomAttribute({ chatRoomId, attributeKey: 'song', attributeValue: 'la', autoDelete: true }))
    await step('getChatRoomAttributes', () => connection.getChatRoomAttributes({ chatRoomId, attributeKeys: ['song'] }))
    await step('removeChatRoomAttribute', () => connection.removeChatRoomAttribute({ chatRoomId, attributeKey: 'song' }))
    await step('destroyChatRoom', () => connection.destroyChatRoom({ chatRoomId }))

    await step('getAllContacts', () => connection.getAllContacts())
    await step('getContactsWithCursor', () => connection.getContactsWithCursor({ pageSize: 10, cursor: '' }))
    await step('getBlocklist', () => connection.getBlocklist())

    await step('getServerConversations', () => connection.getServerConversations({ pageSize: 20, cursor: '' }))
    await step('getHistoryMessages', () => connection.getHistoryMessages({ targetId: other, chatType: 'singleChat', pageSize: 20 }))
    await step('pinConversation', () => connection.pinConversation({ conversationId: other, conversationType: 'singleChat', isPinned: true }))
    await step('getServerPinnedConversations', () => connection.getServerPinnedConversations({ pageSize: 20, cursor: '' }))
    await step('getPresenceStatus', () => connection.getPresenceStatus({ usernames: [other] }))
}

const parts = { users, rest }
parts[part]().then(
    () => process.exit(0),
    (fault) => {
        console.error(fault)
        process.exit(1)
    },
)
