import type { Type } from '@nestjs/common';
import { MetadataScanner, ModulesContainer, type Reflector } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { PUBLIC, ROLES } from './caller.js';

export interface HttpHandler {
  readonly controller: Type;
  readonly name: string;
  readonly method: (...args: never[]) => unknown;
}

/** Every method of the app's controllers that answers HTTP. */
export function httpHandlers(app: NestFastifyApplication): readonly HttpHandler[] {
  const scanner = new MetadataScanner();
  const controllers = [...app.get(ModulesContainer).values()].flatMap((module) => [...module.controllers.values()]);
  return controllers.flatMap(({ metatype }) => {
    if (typeof metatype !== 'function') return [];
    const controller = metatype as Type;
    const prototype = controller.prototype as Record<string, unknown>;
    return scanner.getAllMethodNames(prototype).flatMap((name) => {
      const method = prototype[name];
      // Nest's own key of a route's path; event handlers have none.
      if (typeof method !== 'function' || !Reflect.hasMetadata('path', method)) return [];
      return [{ controller, name, method: method as HttpHandler['method'] }];
    });
  });
}

/** Throws where an HTTP handler says neither who may call it nor that anyone may. */
export function refuseOpenHandlers(app: NestFastifyApplication, reflector: Reflector): void {
  for (const { controller, name, method } of httpHandlers(app)) {
    const stated = [ROLES, PUBLIC].some((key) => reflector.getAllAndOverride(key, [method, controller]) !== undefined);
    if (!stated) throw new Error(`${controller.name}.${name} has neither @Roles nor @Public`);
  }
}
