export {
  type ProviderAnswer,
  type ProviderCall,
  type ProviderCalls,
  ProviderClient,
  type ProviderClientOptions,
} from './client.js';
export { type ProviderKey, type SignedRequest, signedHeaders, verifySignature } from './signature.js';
export { baseUrlFault, pinnedAddress, type TargetRules } from './target.js';
