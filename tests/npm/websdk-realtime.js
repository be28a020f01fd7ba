// A device of the vendor's web SDK in Node: node websdk-realtime.js URL APP_KEY USER [DEVICE [PACKAGE]]
// PACKAGE is the SDK's version by its alias in package.json. What websdk-device.js takes comes as lines on standard input, what it says goes as lines to standard output.
const { JSDOM } = require('jsdom')
const readline = require('readline')

const [url, appKey, user, name, version = 'easemob-websdk'] = process.argv.slice(2)
const device = require(version === 'easemob-websdk-3-6' ? './websdk3-device.js' : './websdk-device.js')
const { window } = new JSDOM('<!doctype html>', { url, pretendToBeVisual: true })
// The SDK reads these as globals; Node has some of its own that are not the browser's.
for (const name of ['window', 'document', 'navigator', 'location', 'localStorage', 'XMLHttpRequest', 'WebSocket', 'FormData', 'File', 'FileReader', 'Blob']) {
    Object.defineProperty(globalThis, name, { value: name === 'window' ? window : window[name], configurable: true, writable: true })
}
globalThis.self = window
// jsdom has none; the SDK makes an address of a file that it has uploaded, and does not read it.
globalThis.URL.createObjectURL = () => 'blob:file'
const sdk = require(version)
const SDK = sdk.default || sdk
SDK.logger?.disableAll?.()

const receive = device(SDK, url, appKey, user, line => console.log(JSON.stringify(line)), name)
const input = readline.createInterface({ input: process.stdin })
input.on('line', receive)
input.on('close', () => process.exit(0))
