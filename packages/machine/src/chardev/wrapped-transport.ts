import type { Transport, TransportHandler } from '@godwit/qmp';

/** A transport that does what another does; subclasses change some of it. */
export class WrappedTransport implements Transport {
  protected readonly inner: Transport;

  constructor(inner: Transport) {
    this.inner = inner;
  }

  get carriesDescriptors(): boolean {
    return this.inner.carriesDescriptors;
  }

  get writableLength(): number {
    return this.inner.writableLength;
  }

  get allRead(): boolean {
    return this.inner.allRead !== false;
  }

  start(handler: TransportHandler): void {
    this.inner.start(handler);
  }

  write(bytes: Uint8Array, fds?: readonly number[]): boolean {
    return this.inner.write(bytes, fds);
  }

  pause(): void {
    this.inner.pause();
  }

  resume(): void {
    this.inner.resume();
  }

  end(): void {
    this.inner.end();
  }

  destroy(): void {
    this.inner.destroy();
  }
}
