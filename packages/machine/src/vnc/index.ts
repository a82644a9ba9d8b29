export type { SharePolicy, VncAddress, VncConfiguration } from './configuration.js';
export { VncServer, type VncServerOptions } from './server.js';
export { addPassedClient, VncServers } from './vnc-servers.js';
