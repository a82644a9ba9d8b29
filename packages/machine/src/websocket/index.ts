export { acceptWebSocket } from './accept-websocket.js';
