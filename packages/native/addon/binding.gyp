{
  'targets': [
    {
      'target_name': 'godwit_native',
      'sources': [
        'src/module.c',
        'src/errors.c',
        'src/arguments.c',
        'src/descriptors.c',
        'src/sockets.c',
        'src/unix_sockets.c',
        'src/mappings.c',
        'src/page_digests.c',
        'src/page_copies.c',
        'src/poll.c',
      ],
      'defines': ['NAPI_VERSION=8', '_GNU_SOURCE'],
      'cflags': ['-std=gnu11', '-O3', '-Wall', '-Wextra', '-fvisibility=hidden', '-Wno-psabi'],
    },
  ],
}
