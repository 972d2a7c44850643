import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Config } from '../../config/config.js';
import { google } from './google.js';
import { kakao } from './kakao.js';
import { naver } from './naver.js';
import { Provider } from './provider.js';
import type { ProviderDefinition } from './provider-definition.js';

/** Definitions of all providers, in the order of the buttons. A new provider is a line here. */
export const PROVIDERS: readonly ProviderDefinition[] = [google, kakao, naver];

/** Injection token of {@link PROVIDERS}. */
export const PROVIDER_DEFINITIONS = Symbol('PROVIDER_DEFINITIONS');

/** Providers with credentials in the settings. */
@Injectable()
export class Providers implements OnModuleInit {
  private readonly logger = new Logger(Providers.name);
  private readonly enabled: ReadonlyMap<string, Provider>;

  constructor(config: Config, @Inject(PROVIDER_DEFINITIONS) definitions: readonly ProviderDefinition[]) {
    this.enabled = new Map(
      definitions.flatMap((definition) => {
        const credentials = config.providers[definition.id];
        return credentials === undefined
          ? []
          : [[definition.id, new Provider(definition, credentials, config.publicUrl)]];
      }),
    );
  }

  /** Throws, and so prevents the start, for a provider whose authorization request lacks `state` or the PKCE challenge. */
  async onModuleInit(): Promise<void> {
    for (const provider of this.enabled.values()) await provider.authorizationRequest('start-up');
    this.logger.log(`enabled providers: ${[...this.enabled.keys()].join(', ') || 'none'}`);
  }

  /** Returns the enabled providers, in the order of the buttons. */
  list(): readonly Provider[] {
    return [...this.enabled.values()];
  }

  /** Returns the provider of an id, if it is enabled. */
  find(id: string): Provider | undefined {
    return this.enabled.get(id);
  }
}
