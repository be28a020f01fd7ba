// A device of the vendor's web SDK in Node: node websdk-realtime.js URL APP_KEY USER [DEVICE]
// What websdk-device.js takes comes as lines on standard input, what it says goes as lines to standard output.
const { JSDOM } = require('jsdom')
const readline = require('readline')
const device = require('./websdk-device.js')

const [url, appKey, user, name] = process.argv.slice(2)
const { window } = new JSDOM('<!doctype html>', { url, pretendToBeVisual: true })
// The SDK reads these as globals; Node has some of its own that are not the browser's.
for (const name of ['window', 'document', 'navigator', 'location', 'localStorage', 'XMLHttpRequest', 'WebSocket', 'FormData', 'File', 'Blob']) {
    Object.defineProperty(globalThis, name, { value: name === 'window' ? window : window[name], configurable: true, writable: true })
}
globalThis.self = window
const sdk = require('easemob-websdk')
const SDK = sdk.default || sdk
SDK.logger?.disableAll?.()

const receive = device(SDK, url, appKey, user, line => console.log(JSON.stringify(line)), name)
const input = readline.createInterface({ input: process.stdin })
input.on('line', receive)
input.on('close', () => process.exit(0))
