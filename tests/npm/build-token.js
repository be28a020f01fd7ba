// Builds a token with the vendor's own package: node build-token.js KIND APP_ID CERTIFICATE USER EXPIRE
const { ChatTokenBuilder, RtcTokenBuilder, RtcRole } = require('agora-token')

const [kind, appId, certificate, user, expire] = process.argv.slice(2)
const seconds = Number(expire)
const build = {
    app: () => ChatTokenBuilder.buildAppToken(appId, certificate, seconds),
    user: () => ChatTokenBuilder.buildUserToken(appId, certificate, user, seconds),
    rtc: () =>
        RtcTokenBuilder.buildTokenWithUid(appId, certificate, 'channel', 7, RtcRole.PUBLISHER, seconds, seconds),
}
process.stdout.write(build[kind]())
