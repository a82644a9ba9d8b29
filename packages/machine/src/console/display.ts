/** An area in pixels. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Red, green and blue, 0 to 255 each. */
export type Colour = readonly [red: number, green: number, blue: number];

/** A picture that changes, as those who show it see it. */
export interface Display {
  readonly width: number;
  readonly height: number;
  /** One byte for each pixel, row by row: an index into {@link palette}. Replaced when the size changes. */
  readonly pixels: Uint8Array;
  readonly palette: readonly Colour[];
  /** Draws what has changed since; listeners are told before it returns. */
  refresh(): void;
  /** Adds a listener; returns how to remove it. */
  watch(listener: DisplayListener): () => void;
}

export interface DisplayListener {
  /** Something will look different after the next {@link Display.refresh}. */
  stale(): void;
  /** These pixels were drawn anew. */
  drawn(area: Rectangle): void;
  /** The picture has another size, and all of it is new. */
  resized(): void;
}
