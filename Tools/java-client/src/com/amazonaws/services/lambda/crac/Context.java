package com.amazonaws.services.lambda.crac;

/** Tells the resources that are registered with it: before a snapshot the last one first, after a restore in their order. */
public abstract class Context<R extends Resource> implements Resource {
  protected Context() {}

  @Override
  public abstract void beforeCheckpoint(Context<? extends Resource> context) throws CheckpointException;

  @Override
  public abstract void afterRestore(Context<? extends Resource> context) throws RestoreException;

  public abstract void register(R resource);
}
