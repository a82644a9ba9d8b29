import type { FeatureDefinition } from '../../schema/definition.js';
import type { DefinitionContext } from '../definition/context.js';

/** A schema may only have so many different features, those with a meaning of their own always included. */
export class FeatureLimit {
  readonly #names = new Set(['deprecated', 'unstable']);
  /** The first feature that is too many. */
  #excess: { readonly context: DefinitionContext; readonly feature: FeatureDefinition } | undefined;

  add(context: DefinitionContext, features: readonly FeatureDefinition[]): void {
    for (const feature of features) {
      this.#names.add(feature.name);
      if (this.#names.size > context.dialect.maximumFeatures) this.#excess ??= { context, feature };
    }
  }

  report(): void {
    if (this.#excess === undefined) return;
    const { context, feature } = this.#excess;
    context.report(
      'feature-limit',
      `Maximum of ${context.dialect.maximumFeatures} schema features is permitted`,
      feature,
    );
  }
}
