/** A line that cannot be executed; the message is printed as it is. */
export class MonitorError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MonitorError';
  }
}
