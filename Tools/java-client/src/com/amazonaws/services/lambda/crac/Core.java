package com.amazonaws.services.lambda.crac;

import java.util.ArrayList;
import java.util.List;

/** Where org.crac finds the context of this environment: Lambda's runtimes name this package in `org.crac.Core.Compat`. */
public final class Core {
  private static final Context<Resource> CONTEXT = new GlobalContext();

  private Core() {}

  public static Context<Resource> getGlobalContext() { return CONTEXT; }

  /** A function cannot ask for its snapshot: Lambda takes it when a version is published. */
  public static void checkpointRestore() { throw new UnsupportedOperationException(); }

  private static final class GlobalContext extends Context<Resource> {
    private final List<Resource> resources = new ArrayList<>();

    @Override
    public synchronized void register(Resource resource) { resources.add(resource); }

    private synchronized List<Resource> all() { return new ArrayList<>(resources); }

    @Override
    public void beforeCheckpoint(Context<? extends Resource> context) throws CheckpointException {
      CheckpointException failure = null;
      List<Resource> all = all();
      for (int place = all.size() - 1; place >= 0; place--) {
        try {
          all.get(place).beforeCheckpoint(this);
        } catch (Exception e) {
          if (failure == null) failure = new CheckpointException(e.toString());
          failure.addSuppressed(e);
        }
      }
      if (failure != null) throw failure;
    }

    @Override
    public void afterRestore(Context<? extends Resource> context) throws RestoreException {
      RestoreException failure = null;
      for (Resource resource : all()) {
        try {
          resource.afterRestore(this);
        } catch (Exception e) {
          if (failure == null) failure = new RestoreException(e.toString());
          failure.addSuppressed(e);
        }
      }
      if (failure != null) throw failure;
    }
  }
}
