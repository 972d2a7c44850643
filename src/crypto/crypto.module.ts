import { Module } from '@nestjs/common';
import { DerivedKeys } from './derived-keys.js';

/** Keys derived from `AUTH_SECRET`. */
@Module({ providers: [DerivedKeys], exports: [DerivedKeys] })
export class CryptoModule {}
